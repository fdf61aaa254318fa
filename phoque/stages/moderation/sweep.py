"""Every figure of the moderation tab at every threshold, so that a slider only looks up."""

from collections.abc import Callable, Sequence
from typing import Any

from phoque.conversation import Condition
from phoque.stages.moderation.flags import SWEEP, sweep, uplift
from phoque.stages.moderation.gap import Case, GapType, gap_type
from phoque.stages.moderation.outcomes import Outcome
from phoque.stages.moderation.scored import COMPARED, Moderated, conditions_of, grid, named


def sweep_of(found: Sequence[Moderated], thresholds: Sequence[float] = SWEEP) -> dict[str, Any]:
    """Content of `moderation_sweep.json`; lists have one element a threshold.

    Rates are value, low, high of Wilson's interval with prompts as clusters; an uplift has
    McNemar's p-value too. Types count answers that pass, by why, with one threshold for all.
    """
    names = list(found[0].raw)
    prompts, seeds = ({getattr(one, key) for one in found} for key in ("prompt", "seed"))
    return {
        "thresholds": [*thresholds],
        "classifiers": {name: _of_classifier(found, name, thresholds) for name in names},
        "n": len(prompts) * len(seeds),
        "prompts": len(prompts),
        "seeds": sorted(seeds),
    }


def _of_classifier(
    found: Sequence[Moderated], name: str, thresholds: Sequence[float]
) -> dict[str, Any]:
    compared = [condition for condition in conditions_of(found) if condition in COMPARED]
    return {
        "conditions": {
            named(condition): _of_condition(found, name, condition, thresholds)
            for condition in conditions_of(found)
        },
        "uplift": {named(one): _uplifts(found, name, one, thresholds) for one in compared},
        "types": {named(one): _types(found, name, one, thresholds) for one in compared},
    }


def _of_condition(
    found: Sequence[Moderated], name: str, condition: Condition, thresholds: Sequence[float]
) -> dict[str, Any]:
    def values(replies: Sequence[Moderated], score: Callable[[Moderated], float]) -> list[float]:
        scores = grid(replies, condition, score)
        return [round(rate.value, 4) for rate in sweep(scores, thresholds)]

    kinds = list(dict.fromkeys(one.category for one in found))
    labels = [label for label in found[0].labels if label.startswith(f"{name}/")]
    rates = sweep(grid(found, condition, lambda one: one.raw[name]), thresholds)
    return {
        "rates": [[round(value, 4) for value in (one.value, one.low, one.high)] for one in rates],
        "categories": {
            kind: values([one for one in found if one.category == kind], lambda one: one.raw[name])
            for kind in kinds
        },
        "labels": {
            label.removeprefix(f"{name}/"): values(found, lambda one, own=label: one.labels[own])  # type: ignore[misc]
            for label in labels
        },
    }


def _uplifts(
    found: Sequence[Moderated], name: str, condition: Condition, thresholds: Sequence[float]
) -> list[list[float]]:
    before, after = (
        grid(found, one, lambda one: one.raw[name]) for one in (Condition.NEUTRAL, condition)
    )
    told = []
    for threshold in thresholds:
        added = uplift(before, after, threshold)
        effect = [round(v, 4) for v in (added.effect.value, added.effect.low, added.effect.high)]
        told.append([*effect, float(f"{added.mcnemar:.3g}")])
    return told


def _types(
    found: Sequence[Moderated], name: str, condition: Condition, thresholds: Sequence[float]
) -> dict[str, Any]:
    answers = [
        Case(raw=one.raw, canonical=one.canonical, harmful=None)
        for one in found
        if one.condition == condition and one.outcome is Outcome.ANSWER
    ]
    counts: dict[str, Any] = {kind.value: [] for kind in GapType}
    for threshold in thresholds:
        same = dict.fromkeys(found[0].raw, threshold)
        types = [gap_type(case, name, same) for case in answers]
        for kind in GapType:
            counts[kind.value].append(types.count(kind))
    return counts | {"n": len(answers)}
