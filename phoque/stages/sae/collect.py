"""Texts as token ids with a role a token, and the base model's residual stream of them as fp16 rows on disk.

Roles are told by position and never by token id: in SmolLM2 the marks of turns are also the tokens for
beginning, end and padding, and a mask by id would lose the token at which the assistant's turn opens.

Shapes: T = tokens that count, S = positions, D = width.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from phoque.conversation import Messages
from phoque.errors import PhoqueError
from phoque.files import write_json
from phoque.models.load import LanguageModel
from phoque.models.template import render
from phoque.run.sae import ActivationFacts
from phoque.steering.capture import token_streams

ROLES = ("text", "system", "user", "template", "assistant")
"""Plain text, then the parts of a conversation; a token's role is its place in this list."""
TEXT, SYSTEM, USER, TEMPLATE, ASSISTANT = range(len(ROLES))


@dataclass(frozen=True)
class Text:
    source: str
    ids: tuple[int, ...]
    roles: tuple[int, ...]
    """Places in `ROLES`, one a token."""

    def cut(self, length: int) -> "Text":
        """The first `length` tokens."""
        return Text(self.source, self.ids[:length], self.roles[:length])


def conversation(tokenizer: Any, messages: Messages, reply: str, source: str) -> Text:
    """A conversation with a given reply, tokenised apart from what comes before it."""
    text = render(tokenizer, messages)
    read = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    spans = _spans(text, messages)
    roles = [_role(start, end, spans) for start, end in read["offset_mapping"]]
    ids = tokenizer(reply, add_special_tokens=False).input_ids
    return Text(source, (*read["input_ids"], *ids), (*roles, *[ASSISTANT] * len(ids)))


def plain(tokenizer: Any, text: str, source: str, length: int) -> list[Text]:
    """Running text in pieces of `length` tokens; a shorter last one is left out."""
    ids = tokenizer(text, add_special_tokens=False, verbose=False).input_ids
    starts = range(0, len(ids) - length + 1, length)
    return [Text(source, tuple(ids[i : i + length]), (TEXT,) * length) for i in starts]


def _spans(text: str, messages: Messages) -> list[tuple[int, int, int]]:
    """Start, end and role of every message in the rendered text."""
    spans, start = [], 0
    for message in messages:
        content = message.content.strip()
        found = text.find(content, start)
        start = max(found, start)
        if found >= 0:
            spans.append((start, start + len(content), ROLES.index(message.role)))
            start += len(content)
    return spans


def _role(start: int, end: int, spans: Sequence[tuple[int, int, int]]) -> int:
    inside = (role for first, last, role in spans if first < max(end, start + 1) and start < last)
    return next(inside, TEMPLATE)


ROWS, TEXTS = "activations.f16", "texts.json"
OUTLIER = 10.0
"""A norm beyond so many medians is an attention sink, not content."""
TEXTS_AT_ONCE = 256


@dataclass(frozen=True, kw_only=True, eq=False)
class Activations:
    """Rows on disk, the first for training, the rest held out by document."""

    rows_TD: np.ndarray[Any, Any]
    """fp16, mapped from disk."""
    facts: ActivationFacts

    @property
    def train_TD(self) -> np.ndarray[Any, Any]:
        return self.rows_TD[: self.facts.train_tokens]

    def held_out_TD(self) -> Tensor:
        """Rows of other documents, fp32."""
        return torch.from_numpy(np.array(self.rows_TD[self.facts.train_tokens :])).float()


def kept_positions(stream_SD: Tensor, limit: float) -> Tensor:
    """Mask_S of positions that count: not the first, and no norm beyond `limit`."""
    mask_S: Tensor = stream_SD.norm(dim=-1) <= limit
    mask_S[0] = False
    return mask_S


def streams(
    model: LanguageModel, texts: Sequence[Text], layer: int, *, batch_size: int = 16
) -> list[Tensor]:
    """Per text the residual_SD at the block's output, fp32 on the CPU."""
    ids = [text.ids for text in texts]
    found = token_streams(model, ids, layers=[layer], batch_size=batch_size)
    return [stream_1SD[0] for stream_1SD in found]


def median_norm(streams_SD: Sequence[Tensor]) -> float:
    """Median norm over all positions but the first of each text."""
    return float(torch.cat([stream_SD[1:].norm(dim=-1) for stream_SD in streams_SD]).median())


def collect(
    model: LanguageModel, texts: Sequence[Text], layer: int, tokens: int, folder: Path
) -> None:
    """Write what `layer` says of `texts`: whole or not at all.

    The last documents are held out; both parts are cut to `tokens` and a tenth of it. PhoqueError on
    too little text, activations that are not finite, or a full disk.
    """
    partial = folder / f"{ROWS}.partial"
    try:
        facts = _written(model, texts, layer, tokens, partial)
        write_json(folder / TEXTS, [asdict(text) for text in texts[facts.train_texts :]])
        partial.replace(folder / ROWS)
        facts.save(folder)
    except OSError as error:
        raise PhoqueError(
            f"The activations do not fit into {folder}: {error.strerror}. "
            f"{tokens:,} tokens need {tokens * 1.1 * model.width * 2 / 1e9:.2f} GB."
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def load_activations(folder: Path) -> Activations:
    """What `collect` wrote; PhoqueError where the file is not what its facts say."""
    facts = ActivationFacts.load(folder, command="phoque run sae")
    shape = (facts.tokens, facts.width)
    if (folder / ROWS).stat().st_size != 2 * shape[0] * shape[1]:
        raise PhoqueError(f"{folder / ROWS} is not complete. Remove {folder} and start again.")
    rows_TD = np.memmap(folder / ROWS, dtype=np.float16, mode="r", shape=shape)
    return Activations(rows_TD=rows_TD, facts=facts)


def held_out_texts(folder: Path) -> list[Text]:
    """Documents that were not trained on."""
    return [
        Text(entry["source"], tuple(entry["ids"]), tuple(entry["roles"]))
        for entry in json.loads((folder / TEXTS).read_text(encoding="utf-8"))
    ]


def _written(
    model: LanguageModel, texts: Sequence[Text], layer: int, tokens: int, path: Path
) -> ActivationFacts:
    """Write the rows; what was counted while doing so."""
    limit = OUTLIER * median_norm(streams(model, texts[:64], layer))
    goals = (tokens, tokens + tokens // 10)
    count = train_texts = used = outliers = 0
    roles = dict.fromkeys(ROLES, 0)
    norms = []
    with path.open("wb") as file:
        for text, stream_SD in _in_turn(model, texts, layer):
            if count >= goals[1]:
                break
            mask_S = kept_positions(stream_SD, limit)
            goal = goals[0] if count < goals[0] else goals[1]
            kept_TD = stream_SD[mask_S][: goal - count]
            _check(kept_TD)
            file.write(kept_TD.to(torch.float16).numpy().tobytes())
            count, used = count + len(kept_TD), used + 1
            outliers += int((~mask_S[1:]).sum())
            norms.append(kept_TD.norm(dim=-1))
            for role in torch.tensor(text.roles)[mask_S][: len(kept_TD)].tolist():
                roles[ROLES[role]] += 1
            train_texts = used if count <= goals[0] else train_texts
    if count < goals[1]:
        raise PhoqueError(
            f"The texts have {count:,} tokens that count and {goals[1]:,} are needed. "
            "Give more text with --text FILE, or ask for fewer --train-tokens."
        )
    sources = Counter(text.source for text in texts[:used] for _ in text.ids)
    return ActivationFacts(
        layer=layer,
        width=model.width,
        limit=limit,
        tokens=count,
        train_tokens=tokens,
        texts=used,
        train_texts=train_texts,
        median_norm=float(torch.cat(norms).median()),
        dropped={"first positions": used, "outliers": outliers},
        roles=roles,
        sources=dict(sources),
    )


def _in_turn(
    model: LanguageModel, texts: Sequence[Text], layer: int
) -> Iterator[tuple[Text, Tensor]]:
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        some = texts[start : start + TEXTS_AT_ONCE]
        yield from zip(some, streams(model, some, layer), strict=True)


def _check(rows_TD: Tensor) -> None:
    largest = float(rows_TD.abs().max()) if len(rows_TD) else 0.0
    # NaN compares as false, so that it is caught as well.
    if not largest < torch.finfo(torch.float16).max:
        raise PhoqueError(
            f"The activations hold {largest}, which is not a finite fp16 number. "
            "Choose another layer with --layer, or load the model in fp32."
        )
