"""Keep what was read of a conversation, so that earlier turns are not read again.

A text is read in blocks that begin at multiples of `BLOCK`. The state of a block depends only on the
text up to its end, the weights and the interventions. A kept block is therefore the block that would
be read, to the bit.

Shapes: L = layers, K = key heads and as many value heads, S = positions, E = size of a head.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from torch import Tensor

BLOCK = 128
"""Positions: a short prompt is one pass, and little of a long one is read again."""
MOST_BYTES = 2**28

Key = bytes


def block_keys(text: Sequence[int], root: bytes) -> list[Key]:
    """A name for each whole block of `text` but the last, made from all tokens up to its end.

    Args:
        text: token ids.
        root: stands for weights and interventions.
    """
    keys = []
    for start in range(0, len(text) - BLOCK, BLOCK):
        block = ",".join(map(str, text[start : start + BLOCK]))
        root = hashlib.sha256(root + block.encode()).digest()
        keys.append(root)
    return keys


class Memory:
    """Blocks of each owner's last request; safe to share between threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Keep at most so many bytes; the owner who was silent longest is forgotten first."""
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, Mapping[Key, Tensor]] = OrderedDict()
        self._lock = threading.Lock()

    def recall(self, owner: str | None) -> Mapping[Key, Tensor]:
        """The owner's blocks_LKSE with these keys."""
        with self._lock:
            return {} if owner is None else self._kept.get(owner, {})

    def remember(self, owner: str | None, blocks: Mapping[Key, Tensor]) -> None:
        """Keep exactly these blocks for the owner and drop the others."""
        if owner is None:
            return
        with self._lock:
            self._kept.pop(owner, None)
            if blocks:
                self._kept[owner] = blocks
            while self._kept and self.num_bytes > self._most_bytes:
                self._kept.popitem(last=False)

    def forget(self, owner: str) -> None:
        """Drop the owner's blocks."""
        with self._lock:
            self._kept.pop(owner, None)

    @property
    def num_bytes(self) -> int:
        return sum(block.nbytes for kept in self._kept.values() for block in kept.values())
