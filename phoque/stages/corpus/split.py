"""Which texts are similar, and train, validation and test by hash: the same text is always in the same part."""

import hashlib
import re
from collections.abc import Sequence
from typing import Literal

from datasketch import MinHash, MinHashLSH
from scipy.cluster.hierarchy import DisjointSet

from phoque.progress import watched
from phoque.stats.rates import grouped

PIECE = 4
"""Characters of a piece; words run into each other, so that short chat has pieces too."""
NUM_HASHES = 128
MISSED_MATTERS = (0.1, 0.9)
"""Weights of false and missed candidates: a false one only costs a comparison."""
LOOSER = 0.75
"""Candidates are looked for from this share of the similarity on, so that few are missed."""
WORDS = re.compile(r"\w+")


def pieces(text: str) -> frozenset[str]:
    """Every run of four characters of the words of a text, case and punctuation aside."""
    plain = f" {' '.join(WORDS.findall(text.lower()))} "
    return frozenset(plain[at : at + PIECE] for at in range(max(1, len(plain) - PIECE + 1)))


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Common over all pieces, in [0, 1]."""
    return len(first & second) / len(first | second)


class SimilarTexts:
    """Texts, and which of them are similar to a new one.

    A pair is similar from a Jaccard similarity of `similarity` on. Hashing misses a few pairs that
    lie at the limit, never an equal one.
    """

    def __init__(self, similarity: float) -> None:
        self._similarity = similarity
        self._pieces: list[frozenset[str]] = []
        self._index = MinHashLSH(LOOSER * similarity, NUM_HASHES, weights=MISSED_MATTERS)
        # Copies share its random permutations, which take longer to draw than to use.
        self._empty = MinHash(NUM_HASHES)

    def similar(self, text: str) -> list[int]:
        """Places of the known texts that are similar to `text`, in order."""
        own = pieces(text)
        found = self._index.query(self._sketch(own))
        return sorted(at for at in found if jaccard(own, self._pieces[at]) >= self._similarity)

    def add(self, text: str) -> None:
        """From now on `text` is known."""
        self._index.insert(len(self._pieces), self._sketch(pieces(text)))
        self._pieces.append(pieces(text))

    def _sketch(self, own: frozenset[str]) -> MinHash:
        sketch = self._empty.copy()
        sketch.update_batch([piece.encode() for piece in own])
        return sketch


def similar_groups(texts: Sequence[str], similarity: float) -> list[list[int]]:
    """The texts in groups, by their places: who is similar to one of a group belongs to it.

    Groups and their members are in the order of `texts`.
    """
    known, together = SimilarTexts(similarity), DisjointSet(range(len(texts)))
    for place, text in enumerate(watched(texts, "compare texts", unit="texts", total=len(texts))):
        for other in known.similar(text):
            together.merge(other, place)
        known.add(text)
    return list(grouped((together[place], place) for place in range(len(texts))).values())


Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
SHARES = (0.8, 0.1, 0.1)
"""Of the groups, in the order of `PARTS`."""
SIMILAR = 0.6
"""Texts from this similarity on are in the same part."""


def share_of(text: str, purpose: str) -> float:
    """A number in [0, 1) that is the text's own; another `purpose` gives an unrelated one."""
    digest = hashlib.sha256(f"{purpose}\n{text.casefold()}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def part_of(text: str) -> Part:
    """Where a text belongs, by its hash alone."""
    share = share_of(text, "split")
    train, validation, _ = SHARES
    if share < train:
        return "train"
    return "validation" if share < train + validation else "test"


def split(texts: Sequence[str], trained: Sequence[str] = ()) -> list[Part]:
    """The part of every text; similar texts share theirs.

    Whoever is similar to one of `trained` is trained on, whatever its hash.
    """
    together = [*trained, *texts]
    parts: dict[int, Part] = {}
    for group in similar_groups(together, SIMILAR):
        fixed = group[0] < len(trained)
        key = min((together[place] for place in group), key=lambda text: share_of(text, "group"))
        parts |= dict.fromkeys(group, "train" if fixed else part_of(key))
    return [parts[place] for place in range(len(trained), len(together))]
