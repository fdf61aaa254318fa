"""Train, validation and test by hash: the same text is always in the same part."""

import hashlib
from collections.abc import Sequence
from typing import Literal

from phoque.stages.corpus.similar import similar_groups

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
