"""alt-profanity-check 1.9.1 without scikit-learn: TF-IDF and five calibrated linear SVMs."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from phoque.moderators.catalogue import SVM
from phoque.moderators.classifier import Item, Score
from phoque.moderators.pickles import read_pickle
from phoque.moderators.wheels import Arrays, converted, installed_file, packed_words, unpacked_words

# N: texts, V: terms, F: folds
FILES = {
    "profanity_check/data/model.joblib": (
        "aeafc04849d4d93db4721cf30a86ebf22085595294b8a07d51918e7fa98f538b"
    ),
    "profanity_check/data/vectorizer.joblib": (
        "19c5200dc6a41f026e0558e2f164f5fe8d8f58e502b46b37e4385037fcfa4831"
    ),
}
TERM = re.compile(r"\b\w\w+\b")
"""scikit-learn's token pattern; its stop words are in no vocabulary, so they need no list."""


class ProfanitySVM:
    """Probability that a text is profane: the mean over folds of Platt's sigmoid."""

    def __init__(self, arrays: Arrays) -> None:
        self.info, self.digest = SVM, "".join(digest[:16] for digest in FILES.values())
        self._terms = {term: row for row, term in enumerate(unpacked_words(arrays["terms"]))}
        self._idf_V = arrays["idf_V"]
        self._weights_VF = arrays["idf_V"][:, None] * arrays["coefficients_FV"].T
        self._intercept_F = arrays["intercept_F"]
        self._slope_F, self._offset_F = arrays["slope_F"], arrays["offset_F"]

    def score_batch(self, items: Sequence[Item]) -> list[Score]:
        """One label, `toxicity`."""
        known = [self._rows_of(item.text) for item in items]
        return [
            Score(labels={"toxicity": float(value)}, unread=not rows)
            for value, rows in zip(self.probabilities(known), known, strict=True)
        ]

    def probabilities(self, known: Sequence[Sequence[int]]) -> NDArray[np.float64]:
        """Probability of profanity of every text, shape (N,), from the rows of its terms."""
        margin_NF = np.stack([self._margin(rows) for rows in known]) + self._intercept_F
        folds_NF = 1 / (1 + np.exp(self._slope_F * margin_NF + self._offset_F))
        probability_N: NDArray[np.float64] = folds_NF.mean(1)
        return probability_N

    def _rows_of(self, text: str) -> list[int]:
        terms = TERM.findall(text.lower())
        return [row for term in terms if (row := self._terms.get(term)) is not None]

    def _margin(self, rows: Sequence[int]) -> NDArray[np.float64]:
        if not rows:
            return np.zeros_like(self._intercept_F)
        unique, counts = np.unique(rows, return_counts=True)
        norm = np.sqrt(np.square(counts * self._idf_V[unique]).sum())
        margin_F: NDArray[np.float64] = counts @ self._weights_VF[unique] / norm
        return margin_F


def load() -> ProfanitySVM:
    """The model of the installed wheel, converted on first use (a second)."""
    return ProfanitySVM(converted("profanity-svm", FILES, _convert))


def words() -> list[str]:
    """The words it knows; those of its list of stop words are not among them."""
    return unpacked_words(converted("profanity-svm", FILES, _convert)["terms"])


def _convert() -> Arrays:
    model, vectorizer = (
        read_pickle(installed_file(SVM.version, path, sha256=digest))
        for path, digest in FILES.items()
    )
    vocabulary = vectorizer.vocabulary_
    folds = model.calibrated_classifiers_
    sigmoids = [fold.calibrators[0] for fold in folds]
    return {
        "terms": packed_words(sorted(vocabulary, key=vocabulary.__getitem__)),
        "idf_V": vectorizer._tfidf.idf_.array,
        "coefficients_FV": np.concatenate([fold.estimator.coef_.array for fold in folds]),
        "intercept_F": np.concatenate([fold.estimator.intercept_.array for fold in folds]),
        "slope_F": np.array([sigmoid.a_ for sigmoid in sigmoids]),
        "offset_F": np.array([sigmoid.b_ for sigmoid in sigmoids]),
    }
