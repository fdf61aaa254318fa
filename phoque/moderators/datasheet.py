"""The data-sheet of a moderator: what it can and cannot see, before any flag rate is shown."""

from collections.abc import Sequence

from phoque.moderators.canonical import canonicalise
from phoque.moderators.classifier import Classifier
from phoque.moderators.labelled import Example, LabelledSet, unseen
from phoque.moderators.scoring import harm_scores
from phoque.moderators.thresholds import BUDGET, DEFAULT_THRESHOLD, calibration, threshold_for
from phoque.run.datasheets import DataSheet, KindRate, Operating
from phoque.stats.ranking import roc_auc
from phoque.stats.rates import by_cluster, grouped


def data_sheet(
    classifier: Classifier,
    test_set: LabelledSet,
    *,
    canonical: bool = False,
    may_send_text: bool = False,
) -> DataSheet:
    """Describe a moderator by what it says of the part of a labelled set that it has not seen."""
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
    """Every moderator on every set, texts as they are and canonical; raises as `harm_scores`."""
    return [
        data_sheet(one, known, canonical=canonical, may_send_text=may_send_text)
        for one in classifiers
        for known in test_sets
        for canonical in (False, True)
    ]


def operating(examples: Sequence[Example], scores: Sequence[float], threshold: float) -> Operating:
    """Rates of a moderator at a threshold; intervals count templates, not their copies."""
    judged = [
        (one, (one.cluster, score >= threshold))
        for one, score in zip(examples, scores, strict=True)
    ]
    by_harm = grouped((one.harmful, flag) for one, flag in judged)
    by_kind = grouped(((one.kind, one.harmful), flag) for one, flag in judged)
    return Operating(
        threshold=threshold,
        sensitivity=by_cluster(by_harm.get(True, ())),
        false_positive_rate=by_cluster(by_harm.get(False, ())),
        kinds=tuple(
            KindRate(kind=kind, harmful=harmful, flagged=by_cluster(flags))
            for (kind, harmful), flags in sorted(by_kind.items())
        ),
    )
