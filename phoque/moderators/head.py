"""What features of a text weigh: a logistic regression fitted once, with where it comes from.

Heads are fitted by `tools/fit_judges.py` on half of the public labels and ship with the package; the
other half is for data-sheets. No labelled text is part of a head.
"""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from phoque.run.record import Part
from phoque.stats.rates import Rate

Floats = NDArray[np.float64]


class Learned(Part):
    """One labelled set that a head was fitted on."""

    name: str
    licence: str
    sha256: str
    fitted_on: int
    """Texts of the half it learned from."""
    harmful: int
    """How many of those are."""
    auc_cross_validated: Rate
    """In the half it learned from, by the chosen ridge: five folds of whole templates."""
    auc_held_out: Rate
    """In the other half."""


class Head(Part):
    """Coefficients and an intercept, with their provenance."""

    features: str
    """What the numbers describe, and what makes them."""
    ridge: float
    """The one of those tried that ranked best in cross-validation."""
    learned: tuple[Learned, ...]
    """Every set weighs as much as every other."""
    coefficients: tuple[float, ...]
    intercept: float

    @classmethod
    def load(cls, file: Path) -> Self:
        """A head of the package."""
        return cls.model_validate_json(file.read_text(encoding="utf-8"))

    @cached_property
    def digest(self) -> str:
        """Fingerprint of its numbers."""
        told = f"{self.coefficients}{self.intercept}"
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def probabilities(self, features_NF: Floats) -> Floats:
        """Probability of every text that people would call it harmful."""
        chances: Floats = expit(features_NF @ np.array(self.coefficients) + self.intercept)
        return chances
