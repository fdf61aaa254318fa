"""The scale scrubber: what the presets answer at every scale, written once and shown at once.

Besides the vector there is a random one of the same length, and the vector subtracted under the
hostile prompt. Every reply comes with its tokens' timeline: how likely each is, and how far along the
vector, in its lengths from the mean of the neutral replies.

Shapes: S = tokens of a reply, D = width.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor

from phoque.models.engine import Reply, Row, end_tokens
from phoque.models.hooks import Interventions
from phoque.models.load import LanguageModel
from phoque.models.template import encode
from phoque.run.psm_replies import Preset, Scrubber, ScrubberCell, ShownReply
from phoque.stages.corpus.safe import Mask
from phoque.stages.psm.antidote import antidotes
from phoque.stages.psm.subject import Subject
from phoque.stats.rates import Rate, grouped
from phoque.steering.capture import forward
from phoque.steering.experiment import rows_of, write_grouped
from phoque.steering.search import SAMPLING, rates_of
from phoque.steering.sweep import SCALE_STEP
from phoque.steering.vectors import Contrast, SteeringVector

SHARES = (-0.5, -0.25, 0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1, 1.25, 1.5, 2, 2.5)
"""Of the selected scale."""
NUM_MORE = 8
"""Prompts of the sweep that are asked too, for the rates."""
AT_ONCE = 12
"""Replies that are read together."""

Key = tuple[str, float | str]


def write_scrubber(subject: Subject) -> None:
    """Write `scrubber.json`."""
    scales, presets = grid_of(subject.scale), subject.persona.presets
    groups = _groups(subject, scales)
    replies = write_grouped(subject.model, groups, SAMPLING, subject.progress)
    shown, rates = _shown(subject, groups, replies), rates_of(subject.shows, groups, replies)
    cells = grouped((key[0], _cell(key, rates[key], shown[key])) for key in groups)
    series = {kind: tuple(own) for kind, own in cells.items()}
    found = Scrubber(
        layer=subject.layer,
        scale=subject.scale,
        nat_scale=subject.choice.nat_scale,
        dose_per_scale=subject.vectors.relative_dose(subject.layer, 1.0),
        scales=tuple(scales),
        presets=tuple(Preset(label=label, prompt=prompt) for label, prompt in presets),
        asked=len(presets) + NUM_MORE,
        series=with_plain_zero(series),
        counted=subject.selection.trait.by,
    )
    Mask()(found).save(subject.folder)


Series = dict[str, tuple[ScrubberCell, ...]]


def with_plain_zero(series: Series) -> Series:
    """Scale 0 of every kind is the plain column itself: nothing is added there.

    The same prompts in another batch may be rounded to other words.
    """
    plain = dict.fromkeys(("vector", "random_vector"), series["neutral"][0])
    plain["reversed"] = series["toxic"][0]
    return {
        kind: tuple(plain[kind] if kind in plain and cell.at == 0 else cell for cell in cells)
        for kind, cells in series.items()
    }


def grid_of(scale: float) -> list[float]:
    """Scales from below zero to far beyond the selected one, on the slider's grid."""
    return sorted({round(round(share * scale / SCALE_STEP) * SCALE_STEP, 2) for share in SHARES})


def _groups(subject: Subject, scales: Sequence[float]) -> dict[Key, list[Row]]:
    presets, more = subject.persona.presets, subject.persona.sweep[:NUM_MORE]
    prompts = [*(prompt for _, prompt in presets), *more]
    neutral, hostile = subject.neutral(prompts), subject.hostile(prompts)
    vector, random = subject.vector, subject.vector.random_like(0)

    def added(one: SteeringVector, scale: float) -> Interventions:
        # Without a dose the row is the plain row, not one that adds zeros.
        return (one.injection(scale),) if scale else ()

    return {
        ("neutral", 0.0): rows_of(neutral),
        ("toxic", 0.0): rows_of(hostile),
        **{("vector", s): rows_of(neutral, added(vector, s)) for s in scales},
        **{("random_vector", s): rows_of(neutral, added(random, s)) for s in scales},
        **{("reversed", s): rows_of(hostile, added(vector, -s)) for s in scales},
        **{("antidote", name): rows_of(hostile, way) for name, way in antidotes(subject).items()},
    }


def _shown(
    subject: Subject, groups: Mapping[Key, list[Row]], replies: Mapping[Key, list[Reply]]
) -> dict[Key, list[ShownReply]]:
    """The presets' replies with their tokens."""
    count = len(subject.persona.presets)
    ruler = Ruler.of(subject.contrast.first(subject.num_probes), subject.layer)
    rows = [row for own in groups.values() for row in own[:count]]
    texts = [reply for own in replies.values() for reply in own[:count]]
    found = list(timelines(subject.model, rows, [reply.tokens for reply in texts], ruler))
    # The neutral column comes first and is the zero: words within a reply lie elsewhere than the
    # end of a prompt, whoever writes them.
    neutral = [place for tokens in found[:count] for _, place, _ in tokens]
    zero = fmean(neutral) if neutral else 0.0
    entries = [
        ShownReply(
            text=reply.text,
            hits=subject.persona.lexicon.count(reply.text),
            tokens=tuple(
                (token, round(place - zero, 2), round(chance, 3)) for token, place, chance in tokens
            ),
        )
        for reply, tokens in zip(texts, found, strict=True)
    ]
    return {key: entries[place * count : (place + 1) * count] for place, key in enumerate(groups)}


def _cell(key: Key, rate: Rate, shown: Sequence[ShownReply]) -> ScrubberCell:
    places = [projection for entry in shown for _, projection, _ in entry.tokens]
    return ScrubberCell(
        at=key[1],
        insulting=rate,
        projection=round(fmean(places), 3) if places else None,
        replies=tuple(shown),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Ruler:
    """The vector as an axis with a zero."""

    vector: SteeringVector
    zero_D: Tensor

    @classmethod
    def of(cls, contrast: Contrast, layer: int) -> "Ruler":
        """From the probes: zero at the neutral mean, one at the persona's."""
        return cls(
            vector=SteeringVector(layer, contrast.differences_NLD[:, layer].mean(0)),
            zero_D=contrast.neutral_NLD[:, layer].mean(0),
        )

    def read(self, states_SD: Tensor) -> Tensor:
        """Places_S on the axis: 0 is the end of a calm prompt, 1 of the persona's, on average over the probes."""
        return (states_SD - self.zero_D) @ self.vector.direction_D / self.vector.norm**2


@torch.inference_mode()
def timelines(
    model: LanguageModel, rows: Sequence[Row], replies: Sequence[Sequence[int]], ruler: Ruler
) -> Iterator[list[tuple[str, float, float]]]:
    """Every reply's tokens, what interventions do included; the end token is left out.

    A token's text; the place of the residual stream when it has been read; and what the model gave it, at
    temperature 1.
    """
    ends = {*model.tokenizer.all_special_ids, *end_tokens(model)}
    for start in range(0, len(rows), AT_ONCE):
        batch, given = rows[start : start + AT_ONCE], replies[start : start + AT_ONCE]
        texts = [
            [*encode(model.tokenizer, row.messages), *reply]
            for row, reply in zip(batch, given, strict=True)
        ]
        longest = max(map(len, given))
        states_LBSD, logits_BKV = forward(
            model,
            texts,
            [row.interventions for row in batch],
            [model.layers[ruler.vector.layer]],
            slice(-longest, None),
            longest + 1,
        )
        for row, reply in enumerate(given):
            shares_SV = logits_BKV[row, -len(reply) - 1 : -1].softmax(-1)
            places = ruler.read(states_LBSD[0, row, -len(reply) :]).tolist()
            chances = shares_SV.gather(-1, torch.tensor(reply)[:, None])[:, 0].tolist()
            yield [
                (model.tokenizer.decode([token]), place, chance)
                for token, place, chance in zip(reply, places, chances, strict=True)
                if token not in ends
            ]
