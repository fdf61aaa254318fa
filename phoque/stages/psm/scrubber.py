"""The scale scrubber: what the presets answer at every scale, written once and shown at once.

Besides the vector there is a random one of the same length, and the vector subtracted under the
hostile prompt. Every reply comes with its tokens' timeline, in lengths of the vector from the mean
of the neutral replies.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from phoque.models.engine import Reply, Row
from phoque.models.hooks import Interventions
from phoque.run.psm_replies import Preset, Scrubber, ScrubberCell, ShownReply
from phoque.stages.corpus.safe import Mask
from phoque.stages.psm.antidote import antidotes
from phoque.stages.psm.subject import Subject
from phoque.stages.psm.timeline import Ruler, timelines
from phoque.stats.rates import Rate
from phoque.steering.experiment import rows_of, write_grouped
from phoque.steering.search import SAMPLING, rates_of
from phoque.steering.sweep import SCALE_STEP

SHARES = (-0.5, -0.25, 0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1, 1.25, 1.5, 2, 2.5)
"""Of the selected scale."""
NUM_MORE = 8
"""Prompts of the sweep that are asked too, for the rates."""

Key = tuple[str, float | str]


def write_scrubber(subject: Subject) -> None:
    """Write `scrubber.json`."""
    scales = grid_of(subject.scale)
    groups = _groups(subject, scales)
    replies = write_grouped(subject.model, groups, SAMPLING, subject.progress)
    shown, rates = _shown(subject, groups, replies), rates_of(subject.shows, groups, replies)
    kinds = list(dict.fromkeys(kind for kind, _ in groups))
    series = {
        kind: tuple(_cell(key, rates[key], shown[key]) for key in groups if key[0] == kind)
        for kind in kinds
    }
    found = Scrubber(
        layer=subject.layer,
        scale=subject.scale,
        coherent_scale=subject.choice.coherent_scale,
        nat_scale=subject.choice.nat_scale,
        dose_per_scale=subject.vectors.relative_dose(subject.layer, 1.0),
        scales=tuple(scales),
        presets=tuple(Preset(label=label, prompt=prompt) for label, prompt in _presets(subject)),
        asked=len(_presets(subject)) + NUM_MORE,
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


def _presets(subject: Subject) -> Sequence[tuple[str, str]]:
    return subject.persona.presets


def _groups(subject: Subject, scales: Sequence[float]) -> dict[Key, list[Row]]:
    prompts = [prompt for _, prompt in _presets(subject)]
    prompts += subject.persona.sweep[:NUM_MORE]
    neutral, hostile = subject.neutral(prompts), subject.hostile(prompts)
    vector, random = subject.vector, subject.vector.random_like(0)

    def added(one: Any, scale: float) -> Interventions:
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
    count = len(_presets(subject))
    ruler = Ruler.of(subject.contrast.first(subject.num_probes), subject.layer)
    rows = [row for own in groups.values() for row in own[:count]]
    texts = [reply for own in replies.values() for reply in own[:count]]
    found = list(timelines(subject.model, rows, [reply.tokens for reply in texts], ruler))
    # The neutral column comes first and is the zero: words within a reply lie elsewhere than the
    # end of a prompt, whoever writes them.
    neutral = [token.projection for tokens in found[:count] for token in tokens]
    zero = fmean(neutral) if neutral else 0.0
    entries = [
        ShownReply(
            text=reply.text,
            hits=subject.persona.lexicon.count(reply.text),
            tokens=tuple(
                (token.text, round(token.projection - zero, 2), round(token.probability, 3))
                for token in tokens
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
