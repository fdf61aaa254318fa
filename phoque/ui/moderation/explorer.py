"""Flag rates at any threshold: computed here from the scores of every reply, looked up by the script."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TypedDict

import numpy as np

from phoque.conversation import Condition
from phoque.figures.figure import Figure
from phoque.run.folder import Reader
from phoque.run.moderation import COMPARED, ModerationReport, called
from phoque.run.scored import GapType, Outcome, ScoredReply, by_condition, grid
from phoque.stages.moderation.gap import type_counts
from phoque.stats.flags import MARKS, SWEEP, sweep, uplifts
from phoque.stats.rates import grouped
from phoque.ui.moderation import wording
from phoque.ui.parts import choices, embedded, group, more

Replies = Mapping[Condition, Sequence[ScoredReply]]
Shares = dict[str, list[float]]
"""At every threshold, by kind of message or by label."""


class ConditionData(TypedDict):
    """What one moderator flags of one condition's replies, at every threshold."""

    rates: list[tuple[float, float, float]]
    categories: Shares
    labels: Shares


class ModeratorData(TypedDict):
    """The same of every condition, and what is compared with neutral."""

    conditions: dict[Condition, ConditionData]
    uplift: dict[Condition, list[tuple[float, float, float, float]]]
    types: dict[Condition, dict[str, list[int] | int]]
    """Answers that pass, by why; under `n` all answers."""


class FlagsData(TypedDict):
    """What the script looks up, with all digits: it rounds what it shows."""

    thresholds: Sequence[float]
    called: dict[str, str]
    own: dict[str, float]
    conditions: dict[Condition, str]
    types: dict[GapType, str]
    hints: dict[GapType, str]
    n: int
    classifiers: dict[str, ModeratorData]


TABLES = '<div class="ph-flag-tables"></div>'


def explorer(reader: Reader, _: Figure) -> str:
    """Moderator, threshold slider, bars, curves and tables of everything at that threshold."""
    report, found = reader.read(ModerationReport), by_condition(reader.rows(ScoredReply))
    moderators = choices("moderator", {name: called(name) for name in report.names})
    return (
        f'<div class="ph-flags" data-draw="flags">{embedded(looked_up(report, found))}'
        f"{group(wording.MODERATOR, moderators)}"
        '<div class="ph-flag-slide"><label for="ph-threshold">'
        f'{escape(wording.THRESHOLD)}</label><input id="ph-threshold" type="range" min="0.01" '
        f'max="0.99" step="0.01" value="{MARKS[0]}"><output></output></div>'
        f"{group('Marks', '', ' ph-pills ph-flag-marks')}"
        '<div class="ph-flag-grid"><div class="ph-flag-bars"></div>'
        '<figure class="ph-flag-curve"><svg role="img" viewBox="0 0 100 60" '
        'preserveAspectRatio="none" aria-label="Flag rate over the threshold"></svg>'
        "<figcaption></figcaption></figure></div>"
        f"{more(wording.TABLES, TABLES)}</div>"
    )


def looked_up(report: ModerationReport, found: Replies) -> FlagsData:
    """What the script looks up, with all digits: it rounds what it shows."""
    return {
        "thresholds": SWEEP,
        "called": {name: called(name) for name in report.names},
        "own": {name: report.classifiers[name].own_threshold for name in report.names},
        "conditions": wording.CONDITIONS,
        "types": wording.TYPES,
        "hints": wording.TYPE_HINTS,
        "n": len(found[Condition.NEUTRAL]),
        "classifiers": {name: _of_moderator(found, name) for name in report.names},
    }


def _of_moderator(found: Replies, name: str) -> ModeratorData:
    grids = {condition: grid(own, name) for condition, own in found.items()}
    compared = [condition for condition in COMPARED if condition in found]
    return {
        "conditions": {
            condition: {
                "rates": [(rate.value, rate.low, rate.high) for rate in sweep(grids[condition])],
                "categories": _by_category(own, name),
                "labels": _by_label(own, name),
            }
            for condition, own in found.items()
        },
        "uplift": {
            condition: [*uplifts(grids[Condition.NEUTRAL], grids[condition])]
            for condition in compared
        },
        "types": {condition: _types(found[condition], name) for condition in compared},
    }


def _by_category(found: Sequence[ScoredReply], name: str) -> Shares:
    kinds = grouped((one.category, one.raw[name]) for one in found)
    return {kind: _shares(scores) for kind, scores in kinds.items()}


def _by_label(found: Sequence[ScoredReply], name: str) -> Shares:
    own = [label for label in found[0].labels if label.startswith(f"{name}/")]
    return {
        label.removeprefix(f"{name}/"): _shares([one.labels[label] for one in found])
        for label in own
    }


def _shares(scores: Sequence[float]) -> list[float]:
    shares: list[float] = (np.array(scores)[:, None] >= np.array(SWEEP)).mean(0).tolist()
    return shares


def _types(found: Sequence[ScoredReply], name: str) -> dict[str, list[int] | int]:
    """How many answers pass at every threshold, by why, with one threshold for all moderators."""
    answers = [one for one in found if one.outcome is Outcome.ANSWER]
    counts = type_counts(answers, name, SWEEP)
    return {**{kind.value: own for kind, own in counts.items()}, "n": len(answers)}
