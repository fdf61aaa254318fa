"""Is a text's surface form in the corpus it was trained on? Exact, by n-grams, and nearly.

Only the form: a new sentence may say what the corpus says. And only line by line: a text pieced
together from many lines has a small share of each.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from datasketch import MinHash
from numpy.typing import NDArray

from phoque.errors import PhoqueError
from phoque.files import json_lines
from phoque.moderators.canonical import canonicalise
from phoque.run.scored import Novelty
from phoque.text import ngrams, words

# N: training lines, P: permutations
NGRAM = 5
"""Words of an n-gram."""
SHINGLE = 5
"""Characters of a shingle, over words set apart by single spaces."""
PERMUTATIONS = 256
"""Standard error of an estimated similarity: at most 0.03."""
MIN_WORDS = 8
"""A shorter text has too few n-grams to be called new."""
MOST_CONTAINMENT = 0.3
MOST_SIMILARITY = 0.4
"""Most replies of the shipped run lie at 0.1 to 0.25; a training line of 10 to 20 words with another
word in the middle keeps 0.55 or more, one whose halves are swapped 0.74 or more."""


class CorpusIndex:
    """Every line of a corpus, made ready once for many questions."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = [*dict.fromkeys(line for line in lines if words(line))]
        if not self._lines:
            raise PhoqueError(
                "The corpus holds no text: nothing can be called new beside it. "
                "Make it first: phoque run corpus --run RUN"
            )
        forms = [_form(line) for line in self._lines]
        self._forms = frozenset(forms)
        self._holders: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for number, form in enumerate(forms):
            for gram in {*ngrams(form, NGRAM)}:
                self._holders[gram].append(number)
        self._signatures_NP = np.stack([_signature(form) for form in forms])

    @classmethod
    def of_run(cls, corpus: Path) -> "CorpusIndex":
        """Every text of every `*.jsonl` in the corpus folder of a run, whatever its field.

        PhoqueError where there is no text, or a line that is not JSON.
        """
        files = sorted(corpus.glob("*.jsonl"))
        return cls(text for file in files for row in json_lines(file) for text in _strings(row))

    def __contains__(self, text: str) -> bool:
        """Whether a line has the same words in the same order."""
        return _form(text) in self._forms

    def novelty(self, text: str) -> Novelty:
        """How far the form of `text` is known."""
        form = _form(text)
        similar_N = (self._signatures_NP == _signature(form)).mean(1)
        nearest = int(similar_N.argmax())
        exact, containment = form in self._forms, self._containment(form)
        similarity = float(similar_N[nearest])
        unlike = not exact and containment <= MOST_CONTAINMENT and similarity <= MOST_SIMILARITY
        return Novelty(
            exact=exact,
            containment=containment,
            similarity=similarity,
            nearest=self._lines[nearest],
            novel=unlike and len(form.split()) >= MIN_WORDS,
        )

    def _containment(self, form: str) -> float:
        grams = {*ngrams(form, NGRAM)}
        shared = Counter(line for gram in grams for line in self._holders.get(gram, ()))
        return max(shared.values(), default=0) / len(grams) if grams else 0.0


def _form(text: str) -> str:
    # A known line in another spelling is no new line.
    return " ".join(words(canonicalise(text)))


def _signature(form: str) -> NDArray[Any]:
    starts = range(max(1, len(form) - SHINGLE + 1))
    sketch = MinHash(num_perm=PERMUTATIONS)
    sketch.update_batch({form[start : start + SHINGLE].encode() for start in starts})
    values_P: NDArray[Any] = sketch.hashvalues
    return values_P


def _strings(value: object) -> Iterator[str]:
    """Every text of a row, also those in lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _strings(one)
