"""The mean of several classifiers: one label, the mean of their harm scores."""

from collections.abc import Sequence
from statistics import fmean

from phoque.moderators import svm, toxblock
from phoque.moderators.catalogue import MEAN
from phoque.moderators.classifier import Classifier, Item, Score


class Mean:
    """Mean harm score of its members, as the label `toxicity`."""

    def __init__(self, members: Sequence[Classifier]) -> None:
        self._members, self.info = tuple(members), MEAN
        self.digest = "+".join(member.digest for member in members)

    def score_batch(self, items: Sequence[Item]) -> list[Score]:
        """One label, `toxicity`; truncated where a member truncated, unread where all know no word."""
        scored = [member.score_batch(items) for member in self._members]
        return [self._mean(scores) for scores in zip(*scored, strict=True)]

    def _mean(self, scores: Sequence[Score]) -> Score:
        pairs = zip(self._members, scores, strict=True)
        value = fmean(score.harm_score(member.info) for member, score in pairs)
        return Score(
            labels={"toxicity": value},
            truncated=any(score.truncated for score in scores),
            unread=all(score.unread for score in scores),
        )


def load() -> Mean:
    """The mean of the two embedded models."""
    return Mean([toxblock.load(), svm.load()])
