"""The one decode loop: rows in, text deltas out.

All rows advance together, one forward pass a token, whatever their conversation, seed, layer or
scale. A forward pass leaves nothing of a request in the model, so a caller may stop at any time.

Shapes: B = rows, S = positions, D = width of the residual stream, V = vocabulary.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor

from phoque.conversation import FinishReason, Messages, Sampling
from phoque.errors import PhoqueError
from phoque.models.decoders import begun, prefilled
from phoque.models.hooks import Interventions
from phoque.models.load import LanguageModel
from phoque.models.sampling import Sampler
from phoque.models.template import encode, reply_ends

ROWS_AT_ONCE, ROWS_ON_A_GPU = 64, 256
"""Rows to write at a time. On a GPU a step of few rows waits for the host; the cache of 256 short
replies of a 3B model takes 8 GB."""
READ_AT_ONCE = 16
SHRINK_BELOW = 0.75
"""When fewer than this share of rows go on, the finished ones are dropped."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One conversation to continue, and what is done to its residual stream."""

    messages: Messages
    seed: int = 42
    interventions: Interventions = ()


@dataclass(frozen=True, kw_only=True)
class Piece:
    """What one row wrote in one step."""

    row: int
    text: str
    token: int
    num_tokens: int
    finish_reason: FinishReason | None


@torch.inference_mode()
def decode(
    model: LanguageModel,
    rows: Sequence[Row],
    sampling: Sampling,
    *,
    bulk: bool = False,
    owner: str | None = None,
) -> Iterator[list[Piece]]:
    """Continue every row; after each token, yield what the unfinished rows wrote.

    The same call gives the same text. What other rows say never matters, but in bf16 the size of
    the batch can tip a near tie. Equal rows are computed once.

    Args:
        model: read with each row's interventions.
        rows: advance together.
        sampling: how tokens are drawn, and when to stop.
        bulk: read common beginnings once and drop finished rows. It saves time in large batches,
            but rounding then depends on how other rows begin and when they end.
        owner: whose conversation is kept in `model.memory` for the next turn; changes no text.

    Raises:
        PhoqueError: there are no rows, or a prompt does not fit the context.
    """
    limit = sampling.deadline_seconds
    deadline = time.monotonic() + (float("inf") if limit is None else limit)
    distinct, places = without_repeats(rows)
    prompts = [encode(model.tokenizer, row.messages) for row in distinct]
    check_lengths(prompts, sampling, model.context_length)
    writers = [Writer(model, row, sampling.max_new_tokens) for row in range(len(distinct))]
    draw = Sampler([row.seed for row in distinct], sampling, prompts)
    treated = [row.interventions for row in distinct]
    if bulk:
        decoder, logits_BKV = prefilled(model, treated, prompts, share=True)
        logits_BV = logits_BKV[:, -1]
    else:
        decoder, logits_BV = begun(model, treated, prompts, owner=owner)
    while True:
        ids_B = draw(logits_BV)
        late = time.monotonic() >= deadline
        pairs = zip(writers, ids_B.tolist(), strict=True)
        pieces = [w.push(token, late=late) for w, token in pairs if w.finish_reason is None]
        yield [replace(piece, row=place) for piece in pieces for place in places[piece.row]]
        going = [place for place, writer in enumerate(writers) if writer.finish_reason is None]
        if not going:
            return
        if bulk and len(going) <= SHRINK_BELOW * len(writers):
            decoder.keep(going)
            draw.keep(going)
            writers, ids_B = [writers[place] for place in going], ids_B[going]
        logits_BV = decoder.step(ids_B)


def without_repeats(rows: Sequence[Row]) -> tuple[list[Row], list[list[int]]]:
    """The distinct rows, and for each the places of its equals, which get the same text."""
    distinct: list[Row] = []
    places: list[list[int]] = []
    for place, row in enumerate(rows):
        if row in distinct:
            places[distinct.index(row)].append(place)
        else:
            distinct.append(row)
            places.append([place])
    return distinct, places


def check_lengths(prompts: Sequence[Sequence[int]], sampling: Sampling, context: int) -> None:
    """Raise `PhoqueError` if there is nothing to decode or a prompt is too long."""
    if not prompts:
        raise PhoqueError("There is nothing to continue: no rows were given.")
    if sampling.max_new_tokens < 1:
        raise PhoqueError(f"max_new_tokens is {sampling.max_new_tokens}; ask for at least 1.")
    longest = max(map(len, prompts))
    if longest + sampling.max_new_tokens > context:
        raise PhoqueError(
            f"The prompt is {longest} tokens long; with {sampling.max_new_tokens} new tokens it "
            f"does not fit the model's context of {context}. Shorten it or clear the conversation."
        )


class Writer:
    """Turns a row's tokens into text and notices when the row is finished."""

    def __init__(self, model: LanguageModel, row: int, limit: int) -> None:
        self.row = row
        self.finish_reason: FinishReason | None = None
        self._tokenizer = model.tokenizer
        self._ends = end_tokens(model)
        self._limit = limit
        self._ids: list[int] = []
        self._written = 0

    def push(self, token: int, *, late: bool) -> Piece:
        """The text that `token` adds; `late` ends the reply."""
        self._ids.append(token)
        self.finish_reason = self._reason(token, late=late)
        # Not every tokenizer counts its end token as special.
        written = self._ids[:-1] if self.finish_reason == "stop" else self._ids
        text = self._tokenizer.decode(written, skip_special_tokens=True)
        # Part of a character: wait for its other bytes.
        held_back = text.endswith("\ufffd") and self.finish_reason is None
        new = "" if held_back else text[self._written :]
        self._written += len(new)
        return Piece(
            row=self.row,
            text=new,
            token=token,
            num_tokens=len(self._ids),
            finish_reason=self.finish_reason,
        )

    def _reason(self, token: int, *, late: bool) -> FinishReason | None:
        if token in self._ends:
            return "stop"
        if len(self._ids) >= self._limit:
            return "length"
        return "deadline" if late else None


def end_tokens(model: LanguageModel) -> frozenset[int]:
    """Token ids that end a reply."""
    return reply_ends(model.model, model.tokenizer)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The whole of what one row wrote."""

    text: str
    tokens: tuple[int, ...]
    """Ids in the order they were drawn, the end token included."""
    finish_reason: FinishReason

    @property
    def num_tokens(self) -> int:
        return len(self.tokens)

    @property
    def finished(self) -> bool:
        """Whether the model ended the reply itself."""
        return self.finish_reason == "stop"


def rows_at_once(model: LanguageModel) -> int:
    """How many rows to write at a time where there are many."""
    return ROWS_ON_A_GPU if model.device.type == "cuda" else ROWS_AT_ONCE


def write(model: LanguageModel, rows: Sequence[Row], sampling: Sampling) -> list[Reply]:
    """The whole reply of every row, for callers who do not stream."""
    pieces: list[list[Piece]] = [[] for _ in rows]
    for step in decode(model, rows, sampling, bulk=True):
        for piece in step:
            pieces[piece.row].append(piece)
    return [
        Reply(
            text="".join(piece.text for piece in own),
            tokens=tuple(piece.token for piece in own),
            finish_reason=cast(FinishReason, own[-1].finish_reason),  # each row ends with one
        )
        for own in pieces
    ]


@torch.inference_mode()
def read(
    model: LanguageModel, rows: Sequence[Row], replies: Sequence[Sequence[int]]
) -> Iterator[Tensor]:
    """The logits_SV of every row before each token of its given reply, in fp32 on the CPU."""
    for start in range(0, len(rows), READ_AT_ONCE):
        end = start + READ_AT_ONCE
        batch, given = rows[start:end], replies[start:end]
        prompts = [encode(model.tokenizer, row.messages) for row in batch]
        # The last token of a reply is not read: nothing follows it.
        texts = [[*p, *reply[:-1]] for p, reply in zip(prompts, given, strict=True)]
        longest = max(1, *map(len, given))
        treated = [row.interventions for row in batch]
        _, logits_BKV = prefilled(model, treated, texts, keep=longest, share=True)
        for row, reply in enumerate(given):
            yield logits_BKV[row, longest - len(reply) :].float().cpu()
