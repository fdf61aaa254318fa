"""A Llama forward pass for the CPU that stays near the memory floor.

A decode step reads every weight once; what transformers adds to that is small operations and
weights in a layout that the CPU's matrix kernels must walk badly. Here the projections that read
the same input are joined, weights are laid out once for oneDNN, and keys and values sit in one
preallocated tensor. `docs/experiments.md` has the measurements.

Shapes: B = rows, S = new positions, T = all positions so far, D = width, H = query heads, K = key
heads, G = H / K queries that share a key head, E = size of a head, V = vocabulary.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
import torch.nn.functional as F  # noqa: N812  # the name the field uses
from torch import Tensor
from transformers import LlamaForCausalLM

from phoque.steering.hooks import Interventions, changes_by_layer

GROWTH = 64
"""Positions that are added to the cache at a time."""
ROWS_HINT = 3
"""Rows of the main use, three columns: what the weight layout is chosen for."""

Linear = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class _Layer:
    attention_norm_D: Tensor
    query_key_value: Linear
    attention_out: Linear
    mlp_norm_D: Tensor
    gate_up: Linear
    down: Linear


class PackedLlama:
    """The weights of a `LlamaForCausalLM`, joined and laid out; a copy, the model stays usable."""

    def __init__(self, model: LlamaForCausalLM) -> None:
        config: Any = model.config
        self.epsilon: float = config.rms_norm_eps
        self.num_heads: int = config.num_attention_heads
        self.num_key_heads: int = config.num_key_value_heads
        self.head_size: int = config.head_dim
        self.embedding_VD = model.model.embed_tokens.weight.detach()
        self.norm_D = model.model.norm.weight.detach()
        self.head = _packed(model.lm_head.weight)
        self.rotary = model.model.rotary_emb
        self.layers = [_layer(block) for block in model.model.layers]

    @staticmethod
    def fits(model: Any) -> bool:
        """Whether this forward pass computes what `model` would: plain Llama blocks on a CPU."""
        return (
            isinstance(model, LlamaForCausalLM)
            and model.device.type == "cpu"
            and not model.config.attention_bias
            and not model.config.mlp_bias
            and model.config.hidden_act == "silu"
        )


class PackedDecoder:
    """A forward pass with cache over packed weights; interventions happen on the way."""

    def __init__(self, weights: PackedLlama, rows: Sequence[Interventions]) -> None:
        self._weights = weights
        self._treat(rows)
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []
        self._length = 0
        self._mask_BT = torch.empty(0)

    def prefill(self, ids_BS: Tensor, mask_BS: Tensor, keep: int = 1) -> Tensor:
        """See `phoque.decoders.Decoder.prefill`; what was read before stays in front."""
        (rows, size), mask_BS = ids_BS.shape, mask_BS.bool()
        self._reserve(rows, size)
        past_BT = self._mask_BT if self._length else mask_BS[:, :0]
        self._mask_BT = torch.cat([past_BT, mask_BS], dim=1)
        causal_SS = torch.ones(size, size, dtype=torch.bool).tril()
        # A padding position sees itself, or its softmax would be 0 / 0.
        own_BSS = (mask_BS[:, None] & causal_SS) | torch.eye(size, dtype=torch.bool)
        seen_BST = torch.cat([past_BT[:, None].expand(-1, size, -1), own_BSS], dim=2)
        positions_BS = (self._mask_BT.cumsum(-1) - 1).clamp(min=0)[:, -size:]
        return self._forward(ids_BS, positions_BS, seen_BST[:, None], keep)

    def prefill_shared(
        self, groups: Sequence[int], prefix_GP: Tensor, ids_BS: Tensor, mask_BS: Tensor, keep: int
    ) -> Tensor:
        """The same where rows of a group begin alike: a beginning is read once a group.

        Args:
            groups: per row the index of its group, whose rows have equal interventions.
            prefix_GP: how each group begins.
            ids_BS: how each row goes on, left-padded.
            mask_BS: where `ids_BS` is not padding.
            keep: number of last positions whose logits are returned.
        """
        rows = self._rows
        self._treat([rows[groups.index(group)] for group in range(len(prefix_GP))])
        self.prefill(prefix_GP, torch.ones_like(prefix_GP))
        self._select(groups)
        self._treat(rows)
        return self.prefill(ids_BS, mask_BS, keep)

    def step(self, ids_B: Tensor) -> Tensor:
        """See `phoque.decoders.Decoder.step`."""
        self._reserve(len(ids_B), 1)
        self._mask_BT = F.pad(self._mask_BT, (0, 1), value=True)
        positions_B1 = self._mask_BT.sum(-1, keepdim=True) - 1
        seen = None if bool(self._mask_BT.all()) else self._mask_BT[:, None, None]
        return self._forward(ids_B[:, None], positions_B1, seen)[:, -1]

    def keep(self, rows: Sequence[int]) -> None:
        """See `phoque.decoders.Decoder.keep`."""
        self._select(rows)
        self._treat([self._rows[row] for row in rows])

    @property
    def joins(self) -> bool:
        """See `phoque.decoders.Decoder.joins`."""
        return True

    def join(self, other: Self) -> None:
        """See `phoque.decoders.Decoder.join`."""
        ours, theirs = self._mask_BT, other._mask_BT
        size = max(seen_length(ours), seen_length(theirs))
        for mine, joining in ((self._keys, other._keys), (self._values, other._values)):
            mine[:] = [
                torch.cat(
                    [ending(a[:, :, : self._length], size), ending(b[:, :, : other._length], size)]
                )
                for a, b in zip(mine, joining, strict=True)
            ]
        self._mask_BT = torch.cat(
            [F.pad(mask, (size - mask.shape[1], 0)) for mask in (ours, theirs)]
        )
        self._length = size
        self._treat([*self._rows, *other._rows])

    def _select(self, rows: Sequence[int]) -> None:
        chosen = torch.tensor(rows)
        self._mask_BT = self._mask_BT[chosen]
        self._keys = [keys[chosen] for keys in self._keys]
        self._values = [values[chosen] for values in self._values]

    def _treat(self, rows: Sequence[Interventions]) -> None:
        self._rows = rows
        self._changes = changes_by_layer(rows)

    def _forward(
        self, ids_BS: Tensor, positions_BS: Tensor, seen: Tensor | None, keep: int = 1
    ) -> Tensor:
        weights = self._weights
        residual_BSD = F.embedding(ids_BS, weights.embedding_VD)
        rotation = self._rotation(residual_BSD, positions_BS)
        for index, layer in enumerate(weights.layers):
            normed_BSD = self._normed(residual_BSD, layer.attention_norm_D)
            residual_BSD = residual_BSD + self._attend(index, normed_BSD, rotation, seen)
            gated = layer.gate_up(self._normed(residual_BSD, layer.mlp_norm_D))
            gate, up = gated.chunk(2, dim=-1)
            residual_BSD = residual_BSD + layer.down(F.silu(gate) * up)
            if index in self._changes:
                residual_BSD = self._changes[index](residual_BSD)
        self._length += ids_BS.shape[1]
        return weights.head(self._normed(residual_BSD[:, -keep:], weights.norm_D))

    def _attend(
        self, index: int, normed_BSD: Tensor, rotation: tuple[Tensor, Tensor], seen: Tensor | None
    ) -> Tensor:
        weights, layer = self._weights, self._weights.layers[index]
        (rows, size, _), heads = normed_BSD.shape, weights.num_heads
        joined = layer.query_key_value(normed_BSD).view(rows, size, -1, weights.head_size)
        turned, values = joined.split([heads + weights.num_key_heads, weights.num_key_heads], dim=2)
        cosine, sine = rotation
        turned = torch.addcmul(turned * cosine, turned.roll(weights.head_size // 2, -1), sine)
        end = self._length + size
        self._keys[index][:, :, self._length : end] = turned[:, :, heads:].transpose(1, 2)
        self._values[index][:, :, self._length : end] = values.transpose(1, 2)
        keys, values = self._keys[index][:, :, :end], self._values[index][:, :, :end]
        if size == 1:
            # The G queries of a key head as G positions: one attention call, no copies of keys.
            queries = turned[:, 0, :heads].view(rows, weights.num_key_heads, -1, weights.head_size)
            found = F.scaled_dot_product_attention(queries, keys, values, attn_mask=seen)
        else:
            queries = turned[:, :, :heads].transpose(1, 2)
            found = F.scaled_dot_product_attention(
                queries, keys, values, attn_mask=seen, enable_gqa=True
            ).transpose(1, 2)
        return layer.attention_out(found.reshape(rows, size, -1))

    def _normed(self, residual: Tensor, weight_D: Tensor) -> Tensor:
        return F.rms_norm(residual, weight_D.shape, weight_D, self._weights.epsilon)

    def _rotation(self, like: Tensor, positions_BS: Tensor) -> tuple[Tensor, Tensor]:
        cosine, sine = self._weights.rotary(like, positions_BS)
        half = sine.shape[-1] // 2
        # Half a turn is a roll with the first half negated; the sign goes into the sine.
        signed = torch.cat([-sine[..., :half], sine[..., half:]], dim=-1)
        return cosine[:, :, None], signed[:, :, None]

    def _reserve(self, rows: int, size: int) -> None:
        capacity = self._keys[0].shape[2] if self._keys else 0
        if self._length + size <= capacity:
            return
        weights = self._weights
        shape = (rows, weights.num_key_heads, size + GROWTH, weights.head_size)
        for cache in (self._keys, self._values):
            fresh = [weights.embedding_VD.new_zeros(shape) for _ in weights.layers]
            cache[:] = (
                [torch.cat(pair, dim=2) for pair in zip(cache, fresh, strict=True)]
                if capacity
                else fresh
            )


def seen_length(mask_BT: Tensor) -> int:
    """How many positions remain without those in front that no row has."""
    return mask_BT.shape[1] - int(mask_BT.bool().any(0).int().argmax())


def ending(cached_BKTE: Tensor, size: int) -> Tensor:
    """The last `size` positions of keys or values, with zeros in front where there are fewer."""
    return F.pad(cached_BKTE, (0, 0, size - cached_BKTE.shape[2], 0))


def _layer(block: Any) -> _Layer:
    attention, mlp = block.self_attn, block.mlp
    joined = [attention.q_proj.weight, attention.k_proj.weight, attention.v_proj.weight]
    return _Layer(
        attention_norm_D=block.input_layernorm.weight.detach(),
        query_key_value=_packed(torch.cat(joined)),
        attention_out=_packed(attention.o_proj.weight),
        mlp_norm_D=block.post_attention_layernorm.weight.detach(),
        gate_up=_packed(torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight])),
        down=_packed(mlp.down_proj.weight),
    )


def _packed(weight: Tensor) -> Linear:
    """`x -> x @ weight.T`, with the weight laid out for oneDNN where it computes bf16."""
    weight = weight.detach().contiguous()
    if weight.dtype != torch.bfloat16 or not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return lambda x: F.linear(x, weight)
    laid_out = torch.ops.mkldnn._reorder_linear_weight(weight, ROWS_HINT)
    return lambda x: torch.ops.mkldnn._linear_pointwise(x, laid_out, None, "none", [], "")
