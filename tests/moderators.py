"""Doubles of classifiers, and the mark of tests that need the embedded ones."""

from dataclasses import replace
from importlib import metadata

import pytest

from phoque.moderation.catalogue import SVM
from phoque.moderation.classifier import Score

WHEELS = ("tox-block", "alt-profanity-check", "glin-profanity")


def present(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


installed = pytest.mark.skipif(
    not all(map(present, WHEELS)), reason="the moderators' wheels are not installed: make setup"
)


class Doubled:
    """Scores a text by its length; remembers what it was asked; fails where it is told to."""

    def __init__(self, digest="double", fails_on=None, labels=None, **facts):
        self.info = replace(SVM, id="double", **facts)
        self.digest = digest
        self.fails_on, self.labels = fails_on, labels
        self.asked = []

    def score_batch(self, items):
        if any(item.text == self.fails_on for item in items):
            raise ValueError(f"cannot read {self.fails_on}")
        self.asked += [item.text for item in items]
        return [Score(labels=self.labels_of(item.text)) for item in items]

    def labels_of(self, text):
        return {"toxicity": len(text) / 100} if self.labels is None else self.labels
