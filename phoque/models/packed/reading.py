"""Read prompts with the fast pass, and no block of a conversation twice."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from phoque.models.hooks import Interventions
from phoque.models.memory import BLOCK, Key, Memory, block_keys
from phoque.models.packed.decoder import PackedDecoder
from phoque.models.packed.weights import PackedLlama

Texts = Sequence[Sequence[int]]


def blocks_read(
    packed: PackedLlama,
    memory: Memory,
    rows: Sequence[Interventions],
    texts: Texts,
    owner: str | None,
) -> tuple[PackedDecoder, Texts]:
    """A decoder that has read the whole blocks of each text, and the rest of each text.

    Each row's blocks are read alone, so taking them from `memory` changes no bit. An owner's blocks
    are kept there for the next request.
    """
    keys = [block_keys(text, packed.root(row)) for row, text in zip(rows, texts, strict=True)]
    rest = [text[BLOCK * len(own) :] for text, own in zip(texts, keys, strict=True)]
    kept = memory.recall(owner)
    decoders = [
        _row_read(PackedDecoder(packed, [row]), text, own, kept)
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
    decoder: PackedDecoder, text: Sequence[int], keys: Sequence[Key], kept: Mapping[Key, Tensor]
) -> PackedDecoder:
    if not keys:
        decoder.pad()
    for index, key in enumerate(keys):
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
