"""What was read of a conversation, kept so that no turn is read again for every message.

A text is read in blocks that begin at multiples of `BLOCK`. What a model computes for a block depends
on the block, on those before it, on weights and on interventions alone, so a block that is kept is
to the bit the block that would be read: whether it was kept changes the time, not the text.

Shapes: L = layers, K = key heads and as many value heads, S = positions, E = size of a head.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from torch import Tensor

BLOCK = 128
"""Positions: a short prompt is one pass, and what is read again of a long one is short."""
MOST_BYTES = 2**28

Key = bytes


def block_keys(text: Sequence[int], root: bytes) -> list[Key]:
    """A name for each whole block of `text` that has something behind it, from all before it.

    Args:
        text: token ids.
        root: stands for all else that the blocks depend on.
    """
    keys = []
    for start in range(0, len(text) - BLOCK, BLOCK):
        block = ",".join(map(str, text[start : start + BLOCK]))
        root = hashlib.sha256(root + block.encode()).digest()
        keys.append(root)
    return keys


class Memory:
    """Blocks by owner, of whom each has those of the last request only; safe to share."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Keep at most so much; the owner who was silent for longest is forgotten first."""
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, Mapping[Key, Tensor]] = OrderedDict()
        self._lock = threading.Lock()

    def recall(self, owner: str | None) -> Mapping[Key, Tensor]:
        """The blocks_LKSE that are kept for the owner."""
        with self._lock:
            return {} if owner is None else self._kept.get(owner, {})

    def remember(self, owner: str | None, blocks: Mapping[Key, Tensor]) -> None:
        """Keep exactly these for the owner: those of earlier settings are dropped."""
        if owner is None:
            return
        with self._lock:
            self._kept.pop(owner, None)
            if blocks:
                self._kept[owner] = blocks
            while self._kept and self.num_bytes > self._most_bytes:
                self._kept.popitem(last=False)

    def forget(self, owner: str) -> None:
        """Drop all that is kept for the owner."""
        with self._lock:
            self._kept.pop(owner, None)

    @property
    def num_bytes(self) -> int:
        """How much is kept."""
        return sum(block.nbytes for kept in self._kept.values() for block in kept.values())
