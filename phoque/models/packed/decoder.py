"""A Llama forward pass for the CPU that stays near the memory floor.

A decode step reads every weight once. Transformers adds many small operations, and its layout of the
weights suits the CPU's matrix kernels badly. `docs/performance.md` has the measurements.

Shapes: B = rows, S = new positions, T = all positions so far, D = width, H = query heads, K = key
heads, G = H / K queries that share a key head, E = size of a head, V = vocabulary, L = layers.
"""

from collections.abc import Sequence
from typing import Self

import torch
import torch.nn.functional as F  # noqa: N812  # the name the field uses
from torch import Tensor

from phoque.models.hooks import Interventions, changes_by_layer, throughout
from phoque.models.packed.weights import PackedLlama, Rotation

GROWTH = 64
"""Positions by which the cache grows."""


class PackedDecoder:
    """A forward pass with cache over packed weights, which applies interventions itself."""

    def __init__(self, weights: PackedLlama, rows: Sequence[Interventions]) -> None:
        self.weights = weights
        self._treat(rows)
        # A layer's keys, then its values, on the axis of heads.
        self._cache: list[Tensor] = []
        self._length = 0
        self._mask_BT = torch.ones(len(rows), 0, dtype=torch.bool)
        self._padded = False

    def prefill(self, ids_BS: Tensor, mask_BS: Tensor, keep: int = 1) -> Tensor:
        """Read left-padded ids; logits_BKV of the last `keep` positions."""
        size, mask_BS = ids_BS.shape[1], mask_BS.bool()
        past_BT, self._mask_BT = self._mask_BT, torch.cat([self._mask_BT, mask_BS], dim=1)
        self._padded = not bool(self._mask_BT.all())
        causal_SS = torch.ones(size, size, dtype=torch.bool).tril()
        # A padding position sees itself; otherwise its softmax would be 0 / 0.
        own_BSS = (mask_BS[:, None] & causal_SS) | torch.eye(size, dtype=torch.bool)
        seen_BST = torch.cat([past_BT[:, None].expand(-1, size, -1), own_BSS], dim=2)
        positions_BS = (self._mask_BT.cumsum(-1) - 1).clamp(min=0)[:, -size:]
        with self.weights.pace.read():
            return self._forward(ids_BS, positions_BS, seen_BST[:, None], keep)

    def prefill_shared(
        self, groups: Sequence[int], prefix_GP: Tensor, ids_BS: Tensor, mask_BS: Tensor, keep: int
    ) -> Tensor:
        """Like `prefill`, but the common beginning of a group is read once.

        A group's rows have equal interventions: `groups` has the group of each row, `prefix_GP` how each begins.
        """
        rows = self._rows
        self._treat([rows[groups.index(group)] for group in range(len(prefix_GP))])
        self._mask_BT = self._mask_BT[: len(prefix_GP)]
        self.prefill(prefix_GP, torch.ones_like(prefix_GP), keep=0)
        self._select(groups)
        self._treat(rows)
        return self.prefill(ids_BS, mask_BS, keep)

    def step(self, ids_B: Tensor) -> Tensor:
        self._mask_BT = F.pad(self._mask_BT, (0, 1), value=True)
        positions_B1 = self._mask_BT.sum(-1, keepdim=True) - 1
        seen = self._mask_BT[:, None, None] if self._padded else None
        with self.weights.pace.step():
            return self._forward(ids_B[:, None], positions_B1, seen)[:, -1]

    def keep(self, rows: Sequence[int]) -> None:
        self._select(rows)
        self._treat([self._rows[row] for row in rows])

    @property
    def joins(self) -> bool:
        return True

    def join(self, other: Self) -> Self:
        """Take over the rows of another decoder, below one's own."""
        ours, theirs = self._mask_BT, other._mask_BT
        size = max(seen_length(ours), seen_length(theirs))
        self._cache = [
            torch.cat(
                [ending(a[:, :, : self._length], size), ending(b[:, :, : other._length], size)]
            )
            for a, b in zip(self._cache, other._cache, strict=True)
        ]
        self._mask_BT = torch.cat([ending_of_mask(mask, size) for mask in (ours, theirs)])
        self._padded = not bool(self._mask_BT.all())
        self._length = size
        self._treat([*self._rows, *other._rows])
        return self

    def read(self, block: Sequence[int]) -> None:
        """Read a block of the only row, without logits."""
        ids_BS = torch.tensor([block])
        self.prefill(ids_BS, torch.ones_like(ids_BS), keep=0)

    def put(self, block_LKSE: Tensor) -> None:
        """Append a block that another decoder has `taken`, as if the only row had read it."""
        self._append(block_LKSE.shape[2], seen=True)
        for cached, kept in zip(self._cache, block_LKSE, strict=True):
            cached[0, :, self._length - block_LKSE.shape[2] : self._length] = kept

    def pad(self) -> None:
        """Begin the only row with a masked position."""
        self._append(1, seen=False)

    def taken(self, first: int, last: int) -> Tensor:
        """A copy of the only row's cache at some positions: block_LKSE, keys and then values."""
        return torch.stack([cached[0, :, first:last] for cached in self._cache])

    def _append(self, size: int, *, seen: bool) -> None:
        self._reserve(1, size)
        self._length += size
        self._mask_BT = F.pad(self._mask_BT, (0, size), value=seen)

    def _select(self, rows: Sequence[int]) -> None:
        chosen = torch.tensor(rows)
        self._mask_BT = self._mask_BT[chosen]
        self._cache = [cached[chosen] for cached in self._cache]

    def _treat(self, rows: Sequence[Interventions]) -> None:
        self._rows = rows
        self._changes = changes_by_layer(rows)
        # The last position of a pass that the text goes on behind is not the last of the text.
        self._midway = changes_by_layer([throughout(row) for row in rows])

    def _forward(
        self, ids_BS: Tensor, positions_BS: Tensor, seen: Tensor | None, keep: int = 1
    ) -> Tensor:
        weights, changes = self.weights, self._changes if keep else self._midway
        self._reserve(*ids_BS.shape)
        residual_BSD = F.embedding(ids_BS, weights.embedding_VD)
        rotation = weights.rotation(positions_BS)
        for index, layer in enumerate(weights.layers):
            attended = self._attend(
                index, _normed(residual_BSD, layer.attention_epsilon), rotation, seen
            )
            residual_BSD = attended.add_(residual_BSD)
            gate, up = layer.gate_up(_normed(residual_BSD, layer.mlp_epsilon)).chunk(2, dim=-1)
            residual_BSD = layer.down(F.silu(gate).mul_(up)).add_(residual_BSD)
            if index in changes:
                residual_BSD = changes[index](residual_BSD)
        self._length += ids_BS.shape[1]
        if not keep:
            return residual_BSD.new_empty(len(ids_BS), 0, 0)
        return weights.head(_normed(residual_BSD[:, -keep:], weights.norm_epsilon))

    def _attend(
        self, index: int, normed_BSD: Tensor, rotation: Rotation, seen: Tensor | None
    ) -> Tensor:
        weights, layer = self.weights, self.weights.layers[index]
        (rows, size, _), heads = normed_BSD.shape, weights.num_heads
        joined = layer.query_key_value(normed_BSD).view(rows, size, -1, weights.head_size // 2, 2)
        turned = torch.view_as_complex(joined.float()).mul_(rotation)
        turned_BSHE = torch.view_as_real(turned).flatten(-2)
        end = self._length + size
        cached = self._cache[index]
        cached[:, :, self._length : end] = turned_BSHE[:, :, heads:].transpose(1, 2)
        keys, values = cached[:, :, :end].chunk(2, dim=1)
        queries = turned_BSHE[:, :, :heads].to(normed_BSD.dtype)
        if size == 1:
            # The G queries of a key head as G positions: one attention call, no copies of keys.
            queries = queries.view(rows, weights.num_key_heads, -1, weights.head_size)
            found = F.scaled_dot_product_attention(
                queries, keys, values, attn_mask=seen, scale=layer.scaling
            )
        else:
            found = F.scaled_dot_product_attention(
                queries.transpose(1, 2), keys, values,
                attn_mask=seen, scale=layer.scaling, enable_gqa=True,
            ).transpose(1, 2)  # fmt: skip
        return layer.attention_out(found.reshape(rows, size, -1))

    def _reserve(self, rows: int, size: int) -> None:
        capacity = self._cache[0].shape[2] if self._cache else 0
        if self._length + size <= capacity:
            return
        weights = self.weights
        shape = (rows, 2 * weights.num_key_heads, size + GROWTH, weights.head_size)
        fresh = [weights.embedding_VD.new_zeros(shape) for _ in weights.layers]
        self._cache = (
            [torch.cat(pair, dim=2) for pair in zip(self._cache, fresh, strict=True)]
            if capacity
            else fresh
        )


def seen_length(mask_BT: Tensor) -> int:
    """How many positions remain when leading ones that no row uses are dropped."""
    return mask_BT.shape[1] - int(mask_BT.bool().any(0).int().argmax())


def ending(cached_BKTE: Tensor, size: int) -> Tensor:
    """The last `size` positions of keys or values, padded with zeros in front."""
    return F.pad(cached_BKTE, (0, 0, size - cached_BKTE.shape[2], 0))


def ending_of_mask(mask_BT: Tensor, size: int) -> Tensor:
    """The last `size` positions of a mask, padded in front."""
    return F.pad(mask_BT, (size - mask_BT.shape[1], 0))


def _normed(residual: Tensor, epsilon: Tensor) -> Tensor:
    """The residual stream scaled to length 1; the maps hold the factor sqrt(D)."""
    length = torch.linalg.vector_norm(residual, dim=-1, keepdim=True, dtype=torch.float32)
    return (residual / torch.hypot(length, epsilon)).to(residual.dtype)
