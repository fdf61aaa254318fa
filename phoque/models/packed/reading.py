"""Read prompts with the fast pass, and no block of a conversation twice.

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

from phoque.models.hooks import Interventions
from phoque.models.packed.decoder import PackedDecoder
from phoque.models.packed.weights import PackedLlama
from phoque.progress import Stopped, never

BLOCK = 128
"""Positions: a short prompt is one pass, and little of a long one is read again."""
MOST_BYTES = 2**28

Key = bytes


def block_keys(text: Sequence[int], root: bytes) -> list[Key]:
    """A name for each whole block but the last: of `root` (weights, interventions) and all tokens so far."""
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


Texts = Sequence[Sequence[int]]


class UnwantedError(Exception):
    """Who wanted a text read has left."""


def blocks_read(
    packed: PackedLlama,
    memory: Memory,
    rows: Sequence[Interventions],
    texts: Texts,
    owner: str | None,
    stopped: Stopped = never,
) -> tuple[PackedDecoder, Texts]:
    """A decoder that has read the whole blocks of each text, and the rest of each text.

    Each row's blocks are read alone, so taking them from `memory` changes no bit. An owner's blocks
    are kept there for the next request.

    Raises:
        UnwantedError: `stopped` said so between two blocks.
    """
    keys = [block_keys(text, packed.root(row)) for row, text in zip(rows, texts, strict=True)]
    rest = [text[BLOCK * len(own) :] for text, own in zip(texts, keys, strict=True)]
    kept = memory.recall(owner)
    decoders = [
        _row_read(PackedDecoder(packed, [row]), text, own, kept, stopped)
        for row, text, own in zip(rows, texts, keys, strict=True)
        if any(keys)
    ]
    if owner is not None:
        memory.remember(owner, _blocks(decoders, keys))
    if not decoders:
        return PackedDecoder(packed, rows), rest
    for other in decoders[1:]:
        decoders[0].join(other)
    return decoders[0], rest


def _row_read(
    decoder: PackedDecoder,
    text: Sequence[int],
    keys: Sequence[Key],
    kept: Mapping[Key, Tensor],
    stopped: Stopped,
) -> PackedDecoder:
    if not keys:
        decoder.pad()
    for index, key in enumerate(keys):
        if stopped():
            raise UnwantedError
        if key in kept:
            decoder.put(kept[key])
        else:
            decoder.read(text[BLOCK * index : BLOCK * (index + 1)])
    return decoder


def _blocks(decoders: Sequence[PackedDecoder], keys: Sequence[Sequence[Key]]) -> dict[Key, Tensor]:
    return {
        key: decoder.taken(BLOCK * index, BLOCK * (index + 1))
        for decoder, own in zip(decoders, keys, strict=False)
        for index, key in enumerate(own)
    }
