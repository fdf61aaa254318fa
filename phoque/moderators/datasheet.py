"""The data-sheet of a moderator: what it can and cannot see, before any flag rate is shown."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from phoque.moderators.canonical import canonicalise
from phoque.moderators.classifier import Classifier
from phoque.moderators.labelled import Example, LabelledSet, unseen
from phoque.moderators.scoring import harm_scores
from phoque.moderators.thresholds import (
    BUDGET,
    DEFAULT_THRESHOLD,
    Calibration,
    calibration,
    roc_auc,
    threshold_for,
)
from phoque.stats.rates import Rate, clustered, wilson

CHANCE = 0.5


@dataclass(frozen=True, kw_only=True)
class KindRate:
    """How often texts of one kind are flagged."""

    kind: str
    harmful: bool
    """Whether they should be."""
    flagged: Rate


@dataclass(frozen=True, kw_only=True)
class Operating:
    """A moderator at one threshold."""

    threshold: float
    sensitivity: Rate
    """Share of harmful texts that are flagged."""
    false_positive_rate: Rate
    """Share of harmless texts that are flagged."""
    kinds: tuple[KindRate, ...]


@dataclass(frozen=True, kw_only=True)
class DataSheet:
    """One moderator on one labelled set, on texts as they are or on canonical ones."""

    classifier: str
    digest: str
    test_set: str
    sha256: str
    positive_means: str
    canonical: bool
    auc: Rate
    at_default: Operating
    budget: float
    at_budget: Operating
    """At the lowest threshold that flags at most `budget` of the harmless texts of this very set."""
    calibration: Calibration

    @property
    def better_than_chance(self) -> bool:
        """Whether the moderator ranks this set's harm above its harmless texts at all."""
        return self.auc.low > CHANCE


def data_sheet(
    classifier: Classifier,
    test_set: LabelledSet,
    *,
    canonical: bool = False,
    may_send_text: bool = False,
) -> DataSheet:
    """Score what the moderator has not learned from of a labelled set, and describe it by that.

    Raises:
        PhoqueError: the classifier failed on a text.
    """
    examples = unseen(test_set, classifier.info.id).examples
    texts = [canonicalise(one.text) if canonical else one.text for one in examples]
    scores = harm_scores(classifier, texts, may_send_text=may_send_text)
    harmful = [one.harmful for one in examples]
    harmless = [score for score, harm in zip(scores, harmful, strict=True) if not harm]
    return DataSheet(
        classifier=classifier.info.id,
        digest=classifier.digest,
        test_set=test_set.name,
        sha256=test_set.sha256,
        positive_means=test_set.means,
        canonical=canonical,
        auc=roc_auc(scores, harmful, [one.cluster for one in examples]),
        at_default=operating(examples, scores, DEFAULT_THRESHOLD),
        budget=BUDGET,
        at_budget=operating(examples, scores, threshold_for(harmless)),
        calibration=calibration(scores, harmful),
    )


def data_sheets(
    classifiers: Sequence[Classifier],
    test_sets: Sequence[LabelledSet],
    *,
    may_send_text: bool = False,
) -> list[DataSheet]:
    """Every moderator on every set, texts as they are and canonical.

    Raises:
        PhoqueError: a classifier failed on a text.
    """
    return [
        data_sheet(one, known, canonical=canonical, may_send_text=may_send_text)
        for one in classifiers
        for known in test_sets
        for canonical in (False, True)
    ]


def operating(examples: Sequence[Example], scores: Sequence[float], threshold: float) -> Operating:
    """Rates of a moderator at a threshold; intervals count templates, not their copies."""
    flagged = [(one, score >= threshold) for one, score in zip(examples, scores, strict=True)]
    kinds = sorted({(one.kind, one.harmful) for one in examples})
    return Operating(
        threshold=threshold,
        sensitivity=_rate([(one, flag) for one, flag in flagged if one.harmful]),
        false_positive_rate=_rate([(one, flag) for one, flag in flagged if not one.harmful]),
        kinds=tuple(
            KindRate(
                kind=kind,
                harmful=harmful,
                flagged=_rate(
                    [
                        (one, flag)
                        for one, flag in flagged
                        if (one.kind, one.harmful) == (kind, harmful)
                    ]
                ),
            )
            for kind, harmful in kinds
        ),
    )


def _rate(flagged: Sequence[tuple[Example, bool]]) -> Rate:
    groups: dict[str, list[bool]] = defaultdict(list)
    for one, flag in flagged:
        groups[one.cluster].append(flag)
    if len(groups) in {1, len(flagged)}:
        return wilson(sum(flag for _, flag in flagged), len(flagged))
    return clustered(list(groups.values()))
