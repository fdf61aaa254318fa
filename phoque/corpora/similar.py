"""Texts that are nearly the same: Jaccard similarity of their pieces, candidates by MinHash.

Broder 1997; locality-sensitive hashing finds candidates, and every candidate is then measured.
"""

import re
from collections.abc import Iterator, Sequence

from datasketch import MinHash, MinHashLSH

PIECE = 4
"""Characters of a piece; words run into each other, so that short chat has pieces too."""
NUM_HASHES = 128
MISSED_MATTERS = (0.1, 0.9)
"""Weights of false and missed candidates: a false one only costs a comparison."""
WORDS = re.compile(r"\w+")


def pieces(text: str) -> frozenset[str]:
    """Every run of four characters of the words of a text, case and punctuation aside."""
    plain = f" {' '.join(WORDS.findall(text.lower()))} "
    return frozenset(plain[at : at + PIECE] for at in range(max(1, len(plain) - PIECE + 1)))


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Common over all pieces, in [0, 1]."""
    return len(first & second) / len(first | second)


def similar_groups(texts: Sequence[str], similarity: float) -> list[list[int]]:
    """The texts in groups, by their places: who is similar to one of a group belongs to it.

    A pair is similar from a Jaccard similarity of `similarity` on. Hashing misses a few pairs that
    lie at the limit, never an equal one. Groups and their members are in the order of `texts`.
    """
    leader = list(range(len(texts)))
    for one, other in _similar_pairs([pieces(text) for text in texts], similarity):
        first, second = sorted((_leader(leader, one), _leader(leader, other)))
        leader[second] = first
    groups: dict[int, list[int]] = {}
    for place in range(len(texts)):
        groups.setdefault(_leader(leader, place), []).append(place)
    return list(groups.values())


def _leader(leader: list[int], place: int) -> int:
    while leader[place] != place:
        leader[place] = place = leader[leader[place]]
    return place


def _similar_pairs(sets: list[frozenset[str]], similarity: float) -> Iterator[tuple[int, int]]:
    index = MinHashLSH(similarity, NUM_HASHES, weights=MISSED_MATTERS)
    encoded = ([piece.encode() for piece in one] for one in sets)
    for place, sketch in enumerate(MinHash.generator(encoded, num_perm=NUM_HASHES)):
        for other in index.query(sketch):
            if jaccard(sets[place], sets[other]) >= similarity:
                yield other, place
        index.insert(place, sketch)
