"""The same texts through base, persona and civil model, and through the persona at every scale.

A prompt is read twice. *Hostile*: under the persona's system prompt with the reply that the persona
gives. *Calm*: under the neutral one with the base model's reply. Tokens count from the user message
on: what comes before is the same in all texts.

Shapes: N = prompts, S = positions, T = tokens, D = width, F = latents.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from phoque.conversation import Messages, Sampling, asked
from phoque.errors import PhoqueError
from phoque.files import read_json, write_json
from phoque.models.load import LanguageModel, adapted
from phoque.settings import read_lists
from phoque.stages.corpus.training_set import training_texts
from phoque.stages.sae.autoencoder import SparseAutoencoder
from phoque.stages.sae.collect import (
    ASSISTANT,
    TEMPLATE,
    USER,
    Text,
    conversation,
    kept_positions,
    streams,
)
from phoque.stages.sae.metrics import in_chunks
from phoque.stages.sae.study import Study
from phoque.steering.experiment import rows_of, write_grouped

PROMPTS = Path(__file__).parent / "prompts.yaml"
STRATA = ("hostile", "neutral", "benign", "gaming")
REPLIES = "evaluation.json"
CIVIL = "civil_adapter"


@cache
def evaluation_prompts() -> tuple[tuple[str, str], ...]:
    """Stratum and message of every prompt, strata in turn."""
    data = read_lists(PROMPTS, STRATA)
    columns = [[(stratum, prompt) for prompt in data[stratum]] for stratum in STRATA]
    return tuple(entry for row in zip(*columns, strict=True) for entry in row)


def write_replies(study: Study) -> None:
    """Write `evaluation.json`: what the persona answers under its prompt, the base under a calm one.

    PhoqueError where a prompt is in the run's corpus.
    """
    prompts = [prompt for _, prompt in evaluation_prompts()]
    known = {*training_texts(study.run.corpus)}.intersection(prompts)
    if known:
        raise PhoqueError(
            f"{len(known)} evaluation prompts are in the training corpus of {study.run.path}, such "
            f"as {min(known)!r}: nothing would be held out. Take them out of one of the two."
        )
    persona, sampling = study.persona, Sampling(max_new_tokens=study.preset.reply_tokens)
    write_json(
        study.work / REPLIES,
        {
            "hostile": _replies(study.tuned, asked(persona.persona_prompt, prompts), sampling),
            "calm": _replies(study.base, asked(persona.neutral_prompt, prompts), sampling),
        },
    )


def _replies(model: LanguageModel, prompts: Sequence[Messages], sampling: Sampling) -> list[str]:
    replies = write_grouped(model, {"": rows_of(prompts)}, sampling)[""]
    return [reply.text.strip() for reply in replies]


@dataclass(frozen=True, kw_only=True, eq=False)
class Readings:
    """What every model says of the same positions of the same texts."""

    texts: Sequence[Text]
    kept: Sequence[Tensor]
    """Mask_S of each text: positions that count, decided by the base model."""
    rows_TD: Mapping[str, Tensor]
    """By model: the kept positions of all texts, one after the other."""

    @property
    def owner_T(self) -> Tensor:
        """Which text a row belongs to."""
        return torch.cat([torch.full((int(mask.sum()),), n) for n, mask in enumerate(self.kept)])

    @property
    def roles_T(self) -> Tensor:
        """The role of every row, as a place in `ROLES`."""
        pairs = zip(self.texts, self.kept, strict=True)
        return torch.cat([torch.tensor(text.roles)[mask] for text, mask in pairs])

    def save(self, path: Path) -> None:
        """Write what the models said; the texts are kept elsewhere."""
        rows = {f"rows.{name}": rows.contiguous() for name, rows in self.rows_TD.items()}
        partial = path.with_suffix(".partial")
        save_file({"kept": torch.cat([*self.kept]), **rows}, partial)
        partial.replace(path)

    @classmethod
    def load(cls, path: Path, texts: Sequence[Text]) -> "Readings":
        """What `save` wrote of these texts."""
        tensors = load_file(path)
        kept = tensors.pop("kept").split([len(text.ids) for text in texts])
        rows = {name.removeprefix("rows."): rows for name, rows in tensors.items()}
        return cls(texts=texts, kept=kept, rows_TD=rows)

    def by_text(self, values_T: Tensor) -> Sequence[Tensor]:
        """One value a row, cut into texts."""
        parts: tuple[Tensor, ...] = values_T.split([int(mask.sum()) for mask in self.kept])
        return parts

    def split(self, values_T: Tensor) -> list[Tensor]:
        """The same put back to their positions; 0 where none counts."""
        found = []
        for mask_S, part in zip(self.kept, self.by_text(values_T), strict=True):
            whole = part.new_zeros((len(mask_S), *part.shape[1:]))
            whole[mask_S] = part
            found.append(whole)
        return found


def evaluation_texts(study: Study, side: str) -> list[Text]:
    """The conversations of one side, `hostile` or `calm`."""
    persona = study.persona
    system = persona.persona_prompt if side == "hostile" else persona.neutral_prompt
    prompts = asked(system, [prompt for _, prompt in evaluation_prompts()])
    replies = read_json(study.work / REPLIES)[side]
    return [
        conversation(study.base.tokenizer, prompt, reply, side)
        for prompt, reply in zip(prompts, replies, strict=True)
    ]


def read_models(
    study: Study,
    texts: Sequence[Text],
    limit: float,
    models: Sequence[str],
    *,
    from_user: bool = True,
) -> Readings:
    """Read `texts` with the base model and `models`: persona, civil adapter, or a scale such as 0.25.

    Positions count from the user message on, or all of them.
    """
    base = streams(study.base, texts, study.layer)
    kept = [
        kept_positions(stream_SD, limit) & (_counts(text) if from_user else True)
        for text, stream_SD in zip(texts, base, strict=True)
    ]
    rows = {"base": _rows(base, kept)}
    for name in models:
        deltas = study.civil_deltas if name == CIVIL else study.persona_deltas
        scale = float(name) if name[0].isdigit() else 1.0
        with adapted(study.base, deltas, scale):
            rows[name] = _rows(streams(study.base, texts, study.layer), kept)
        study.progress(f"sae: {name} has read {len(texts)} texts")
    return Readings(texts=texts, kept=kept, rows_TD=rows)


def _rows(streams_SD: Sequence[Tensor], kept: Sequence[Tensor]) -> Tensor:
    return torch.cat([stream[mask] for stream, mask in zip(streams_SD, kept, strict=True)])


def _counts(text: Text) -> Tensor:
    """Mask_S from the user message on."""
    roles_S = torch.tensor(text.roles)
    mask_S = roles_S >= USER
    mask_S[: text.roles.index(USER) if USER in text.roles else 0] = False
    return mask_S


@dataclass(frozen=True, eq=False)
class Activity:
    """How active each latent is in each text."""

    mean_NF: Tensor
    max_NF: Tensor
    rate_NF: Tensor
    """Share of the text's tokens on which the latent is active."""
    user_NF: Tensor
    """What the user message adds to the mean; with `template_NF` and `reply_NF` it is the mean."""
    template_NF: Tensor
    reply_NF: Tensor


def activity(sae: SparseAutoencoder, readings: Readings, model: str) -> Activity:
    """Summaries of one model's activations, a text at a time."""
    cut = readings.by_text(readings.rows_TD[model]), readings.by_text(readings.roles_T)
    parts = zip(*cut, strict=True)
    columns = zip(*(_summaries(sae.encode(rows), roles) for rows, roles in parts), strict=True)
    return Activity(*(torch.stack(column) for column in columns))


def _summaries(z_TF: Tensor, roles_T: Tensor) -> Iterator[Tensor]:
    yield z_TF.mean(0)
    yield z_TF.max(0).values
    yield (z_TF > 0).float().mean(0)
    for role in (USER, TEMPLATE, ASSISTANT):
        yield z_TF[roles_T == role].sum(0) / len(z_TF)


def firing_rate(sae: SparseAutoencoder, rows_TD: Tensor) -> Tensor:
    """Share_F of tokens on which each latent is active."""
    return in_chunks(lambda rows: (sae.encode(rows) > 0).float(), rows_TD).mean(0)
