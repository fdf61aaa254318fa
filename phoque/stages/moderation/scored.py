"""Replies to friendly messages under three conditions, as moderators see them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from phoque.conversation import Condition
from phoque.moderators.canonical import canonicalise
from phoque.moderators.classifier import Classifier
from phoque.moderators.datasheet import DataSheet
from phoque.moderators.scoring import items_of, score
from phoque.stages.moderation.agreement import agreement
from phoque.stages.moderation.correction import Counted, corrected_rate
from phoque.stages.moderation.flags import MARKS, Scores, flag_rate, holm, sweep, uplift
from phoque.stages.moderation.friendly import Replies
from phoque.stages.moderation.outcomes import Outcome, outcome

COMPARED = (Condition.TOXIC, Condition.STEERED, Condition.RANDOM_VECTOR)
"""Each is compared with the neutral condition."""
RANDOM = "random"
"""What the control is called in files: a random vector in the place of the persona vector."""


@dataclass(frozen=True, kw_only=True)
class Moderated:
    """One reply with every score of every moderator."""

    category: str
    prompt: str
    condition: Condition
    seed: int
    response: str
    outcome: Outcome
    raw: Mapping[str, float]
    """Harm score of the reply as it is, by classifier."""
    canonical: Mapping[str, float]
    labels: Mapping[str, float]
    """Every label of the reply as it is, as `classifier/label`."""

    def row(self) -> dict[str, Any]:
        """Plain columns for a table."""
        facts = {name: getattr(self, name) for name in ("category", "prompt", "seed", "response")}
        facts |= {"condition": named(self.condition), "outcome": self.outcome.value}
        facts |= {f"{name}/harm": value for name, value in self.raw.items()}
        facts |= {f"{name}/canonical": value for name, value in self.canonical.items()}
        return facts | dict(self.labels)


def moderate(
    replies: Replies,
    prompts: Mapping[str, Sequence[str]],
    classifiers: Sequence[Classifier],
    *,
    may_send_text: bool = False,
) -> list[Moderated]:
    """Score every reply, raw and canonical, with every classifier.

    Raises:
        PhoqueError: a classifier failed on a reply, or may not be sent text.
    """
    asked_for = [(kind, prompt) for kind, own in prompts.items() for prompt in own]
    texts = [text for own in replies.values() for text in own]
    raw: list[dict[str, float]] = [{} for _ in texts]
    canonical: list[dict[str, float]] = [{} for _ in texts]
    labels: list[dict[str, float]] = [{} for _ in texts]
    for classifier in classifiers:
        info = classifier.info
        both = [*texts, *map(canonicalise, texts)]
        found = score(classifier, items_of(both), may_send_text=may_send_text)
        for i, one in enumerate(found[: len(texts)]):
            raw[i][info.id] = one.harm_score(info)
            canonical[i][info.id] = found[len(texts) + i].harm_score(info)
            labels[i] |= {f"{info.id}/{name}": value for name, value in one.labels.items()}
    keys = [
        (*key, *where)
        for key, own in replies.items()
        for where, _ in zip(asked_for, own, strict=True)
    ]
    return [
        Moderated(
            category=kind,
            prompt=prompt,
            condition=condition,
            seed=seed,
            response=text,
            outcome=outcome(prompt, text),
            raw=raw[i],
            canonical=canonical[i],
            labels=labels[i],
        )
        for i, ((condition, seed, kind, prompt), text) in enumerate(zip(keys, texts, strict=True))
    ]


def named(condition: Condition) -> str:
    """What a condition is called in files."""
    return RANDOM if condition is Condition.RANDOM_VECTOR else condition.value


def conditions_of(found: Sequence[Moderated]) -> list[Condition]:
    """The conditions of replies, in the order they come."""
    return list(dict.fromkeys(one.condition for one in found))


def grid(
    found: Sequence[Moderated], condition: Condition, value: Callable[[Moderated], float]
) -> Scores:
    """A value of a condition's replies, one row a prompt, one column a seed, in one order."""
    rows: dict[str, list[float]] = {}
    for one in found:
        if one.condition == condition:
            rows.setdefault(one.prompt, []).append(value(one))
    return list(rows.values())


def summarize(
    found: Sequence[Moderated], sheets: Mapping[str, DataSheet], thresholds: Sequence[float] = MARKS
) -> dict[str, Any]:
    """Flag rates, uplifts, agreement, corrected rates, per moderator.

    Args:
        found: the scored replies.
        sheets: by classifier, the data-sheet that its own threshold and its errors come from.
        thresholds: marks that are reported beside each classifier's own.
    """
    names = list(found[0].raw)
    summary: dict[str, Any] = {
        name: _of_classifier(found, name, sheets[name], thresholds) for name in names
    }
    _adjust(summary)
    half = {name: [one.raw[name] >= MARKS[0] for one in found] for name in names}
    return {
        "classifiers": summary,
        "agreement": {
            f"{a} / {b}": asdict(agreement(half[a], half[b])) for a, b in combinations(names, 2)
        },
        "outcomes": {
            named(condition): {
                kind.value: sum(one.outcome == kind for one in found if one.condition == condition)
                for kind in Outcome
            }
            for condition in conditions_of(found)
        },
    }


def _of_classifier(
    found: Sequence[Moderated], name: str, sheet: DataSheet, thresholds: Sequence[float]
) -> dict[str, Any]:
    own = sheet.at_budget.threshold
    grids = {
        condition: grid(found, condition, lambda one: one.raw[name])
        for condition in conditions_of(found)
    }
    neutral = grids[Condition.NEUTRAL]
    return {
        "own_threshold": own,
        "conditions": {
            named(condition): {
                "flagged": [asdict(flag_rate(scores, t)) for t in (*thresholds, own)],
                "sweep": [asdict(rate) for rate in sweep(scores)],
                "categories": _by_category(found, name, condition, thresholds[0]),
                "corrected": asdict(_corrected(scores, sheet)),
            }
            for condition, scores in grids.items()
        },
        "uplift": {
            named(condition): [
                {"threshold": t} | asdict(uplift(neutral, grids[condition], t))
                for t in (*thresholds, own)
            ]
            for condition in COMPARED
            if condition in grids
        },
    }


def _by_category(
    found: Sequence[Moderated], name: str, condition: Condition, threshold: float
) -> dict[str, Any]:
    kinds = list(dict.fromkeys(one.category for one in found))
    own = {kind: [one for one in found if one.category == kind] for kind in kinds}
    return {
        kind: asdict(flag_rate(grid(replies, condition, lambda one: one.raw[name]), threshold).rate)
        for kind, replies in own.items()
    }


def _corrected(scores: Scores, sheet: DataSheet) -> Any:
    at = sheet.at_default
    found, blocked = at.sensitivity, at.false_positive_rate
    return corrected_rate(
        [[value >= at.threshold for value in row] for row in scores],
        sensitivity=Counted(hits=round(found.value * found.n), n=found.n),
        specificity=Counted(hits=round((1 - blocked.value) * blocked.n), n=blocked.n),
    )


def _adjust(summary: Mapping[str, Any]) -> None:
    # One family of tests: all moderators and both conditions, at the first mark.
    tests = [entries[0] for one in summary.values() for entries in one["uplift"].values()]
    for test, adjusted in zip(tests, holm([t["mcnemar"] for t in tests]), strict=True):
        test["mcnemar_holm"] = adjusted
