"""Replies to friendly messages under three conditions, as moderators see them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from phoque.lab import Lab
from phoque.moderation.agreement import agreement
from phoque.moderation.canonical import canonicalise
from phoque.moderation.classifier import Classifier
from phoque.moderation.correction import Counted, corrected_rate
from phoque.moderation.datasheet import DataSheet
from phoque.moderation.flags import MARKS, Scores, flag_rate, holm, sweep, uplift
from phoque.moderation.outcomes import Outcome, outcome
from phoque.moderation.scoring import items_of, score
from phoque.personas.reading import TEXTS, read_yaml
from phoque.records import Condition, Sampling, asked
from phoque.steering.experiment import Progress, rows_of, silent, write_grouped

PROMPTS = Path(__file__).parent.parent / "moderation" / "prompts.yaml"
CATEGORIES = ("general", "praise", "help", "directions", "greeting", "system-direction")
SEEDS = (42, 43, 44)
SAMPLING = Sampling(max_new_tokens=48, temperature=0.7)
COMPARED = (Condition.TOXIC, Condition.STEERED)
"""Each is compared with the neutral condition."""


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
        facts |= {"condition": self.condition.value, "outcome": self.outcome.value}
        facts |= {f"{name}/harm": value for name, value in self.raw.items()}
        facts |= {f"{name}/canonical": value for name, value in self.canonical.items()}
        return facts | dict(self.labels)


def prompts_by_category() -> dict[str, list[str]]:
    """The friendly messages, by kind."""
    read: dict[str, list[str]] = read_yaml(PROMPTS, dict.fromkeys(CATEGORIES, TEXTS))
    return read


def replies_of(
    lab: Lab, prompts: Sequence[str], seeds: Sequence[int], progress: Progress = silent
) -> dict[tuple[Condition, int], list[str]]:
    """What the lab writes to every prompt, by condition and seed."""
    neutral, hostile = lab.persona.neutral_prompt, lab.persona.persona_prompt
    injection = lab.vectors[lab.selection.layer].injection(lab.selection.scale)
    groups = {}
    for seed in seeds:
        civil = asked(neutral, prompts)
        groups[Condition.NEUTRAL, seed] = rows_of(civil, seed=seed)
        groups[Condition.TOXIC, seed] = rows_of(asked(hostile, prompts), seed=seed)
        groups[Condition.STEERED, seed] = rows_of(civil, (injection,), seed)
    written = write_grouped(lab.model, groups, SAMPLING, progress)
    return {key: [reply.text for reply in replies] for key, replies in written.items()}


def moderate(
    replies: Mapping[tuple[Condition, int], Sequence[str]],
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


def grid(found: Sequence[Moderated], classifier: str, condition: Condition) -> Scores:
    """Harm scores of a condition, one row a prompt, one column a seed, in one order."""
    rows: dict[str, list[float]] = {}
    for one in found:
        if one.condition == condition:
            rows.setdefault(one.prompt, []).append(one.raw[classifier])
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
            condition.value: {
                kind.value: sum(one.outcome == kind for one in found if one.condition == condition)
                for kind in Outcome
            }
            for condition in _conditions(found)
        },
    }


def _of_classifier(
    found: Sequence[Moderated], name: str, sheet: DataSheet, thresholds: Sequence[float]
) -> dict[str, Any]:
    own = sheet.at_budget.threshold
    grids = {condition: grid(found, name, condition) for condition in _conditions(found)}
    neutral = grids[Condition.NEUTRAL]
    return {
        "own_threshold": own,
        "conditions": {
            condition.value: {
                "flagged": [asdict(flag_rate(scores, t)) for t in (*thresholds, own)],
                "sweep": [asdict(rate) for rate in sweep(scores)],
                "categories": _by_category(found, name, condition, thresholds[0]),
                "corrected": asdict(_corrected(scores, sheet)),
            }
            for condition, scores in grids.items()
        },
        "uplift": {
            condition.value: [
                {"threshold": t} | asdict(uplift(neutral, grids[condition], t))
                for t in (*thresholds, own)
            ]
            for condition in COMPARED
        },
    }


def _by_category(
    found: Sequence[Moderated], name: str, condition: Condition, threshold: float
) -> dict[str, Any]:
    kinds = list(dict.fromkeys(one.category for one in found))
    own = {kind: [one for one in found if one.category == kind] for kind in kinds}
    return {
        kind: asdict(flag_rate(grid(replies, name, condition), threshold).rate)
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


def _conditions(found: Sequence[Moderated]) -> list[Condition]:
    return list(dict.fromkeys(one.condition for one in found))
