"""What every classifier is: a list of items in, a list of scores out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

from phoque.conversation import Message
from phoque.errors import PhoqueError
from phoque.run.datasheets import ClassifierInfo

HARM_LABELS = (
    "toxicity", "severe_toxicity", "obscene", "threat", "insult", "identity_attack", "sexual_explicit"
)  # fmt: skip
"""Jigsaw's harm labels under the names of Detoxify 0.5; labels that name a group are not harm."""


class UnavailableError(PhoqueError):
    """The classifier as a whole does not work; asking it about another text is no use."""


@dataclass(frozen=True)
class Item:
    """A text to score, with the turns before it, oldest first."""

    text: str
    context: tuple[Message, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Score:
    """What one classifier says of one item: its labels in [0, 1], or the reason there are none."""

    labels: Mapping[str, float]
    truncated: bool = False
    """Whether part of the text was too long to be read."""
    unread: bool = False
    """Whether it knows no word of the text, and so scores it like an empty one."""
    error: str | None = None

    def harm_score(self, info: ClassifierInfo) -> float:
        """Highest harm label, in [0, 1]; raises where the classifier failed or gave no such label."""
        if self.error is not None:
            raise PhoqueError(f"{info.id} has no score for this text: {self.error}")
        return max(_present(self.labels, info.harm_labels, info.id))


class Classifier(Protocol):
    """A loaded classifier. It may raise: `score` turns that into an error of the item."""

    info: ClassifierInfo
    digest: str
    """Fingerprint of its weights and settings: the same digest gives the same scores."""

    def score_batch(self, items: Sequence[Item]) -> list[Score]:
        """One score for every item, in order."""
        ...


def checked(score: Score, info: ClassifierInfo) -> Score:
    """The score itself, which may be the reason why there is none.

    Raises:
        PhoqueError: a declared label is absent, or a value is not a number in [0, 1].
    """
    if score.error is not None:
        return score
    values = _present(score.labels, info.labels, info.id)
    wrong = [value for value in values if not (isfinite(value) and 0 <= value <= 1)]
    if wrong:
        raise PhoqueError(f"{info.id} gave {wrong[0]}; a label is a number from 0 to 1.")
    return score


def _present(labels: Mapping[str, float], wanted: Sequence[str], name: str) -> list[float]:
    missing = [label for label in wanted if label not in labels]
    if missing or not wanted:
        raise PhoqueError(f"{name} reports no {missing or 'label'}; it reports {sorted(labels)}.")
    return [labels[label] for label in wanted]
