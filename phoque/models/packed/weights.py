"""A copy of a plain Llama's weights, joined and laid out for the CPU.

Three changes save small operations. A norm's weight is folded into the map that reads it. The pairs
of a head that rotate together stand side by side, so that the rotation is one complex product. Maps
that read the same input are joined.

Shapes: D = width, H = query heads, K = key heads, E = size of a head, V = vocabulary, T = positions.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import LlamaForCausalLM

from phoque.models.hooks import Interventions, signature
from phoque.models.packed.fit import stamps
from phoque.models.packed.layout import Layout, Linear, laid_out, pace_for
from phoque.models.packed.threads import Pace

Rotation = Tensor
"""A complex factor of size 1 for each pair of each head."""


@dataclass(frozen=True, kw_only=True)
class PackedLayer:
    """One decoder block; every map reads its input divided by its norm."""

    query_key_value: Linear
    attention_out: Linear
    gate_up: Linear
    down: Linear
    attention_epsilon: Tensor
    mlp_epsilon: Tensor
    scaling: float
    """Factor of the products of queries and keys."""


class PackedLlama:
    """The weights of a `LlamaForCausalLM` that a forward pass needs."""

    def __init__(
        self, network: LlamaForCausalLM, layout: Layout, before: "PackedLlama | None" = None
    ) -> None:
        """Copy the weights; blocks unchanged since `before` are taken from there; raises as `laid_out`.

        Nothing is taken from a copy with another layout or dtype.
        """
        attention: Any = network.model.layers[0].self_attn
        self.layout, self.embedding_VD = layout, network.model.embed_tokens.weight.detach()
        if before and (before.layout, before.embedding_VD.dtype) != (layout, network.dtype):
            before = None
        self.stamps = stamps(network)
        self.pace: Pace = before.pace if before else pace_for(layout, network.lm_head.weight.dtype)
        self.head_size: int = attention.head_dim
        self.num_key_heads = len(attention.k_proj.weight) // self.head_size
        self.num_heads: int = len(attention.q_proj.weight) // self.head_size
        self.norm_epsilon = _epsilon(network.model.norm)
        self.head = laid_out(_folded([network.lm_head.weight], network.model.norm), layout)
        self._rotary = network.model.rotary_emb
        self._table_TE = torch.empty(0, 0)
        old = dict(zip(before.stamps[1:], before.layers, strict=True)) if before else {}
        self.layers: list[PackedLayer] = [
            old.get(stamp) or _layer(block, layout)
            for stamp, block in zip(self.stamps[1:], network.model.layers, strict=True)
        ]

    @property
    def heads(self) -> tuple[int, int, int]:
        """The number of heads of queries, keys and values in the joined map."""
        return self.num_heads, self.num_key_heads, self.num_key_heads

    def root(self, row: Interventions) -> bytes:
        """A name for everything but the text that a row's cache depends on."""
        return repr((self.stamps, self.layout, signature(row))).encode()

    def rotation(self, positions_BS: Tensor) -> Rotation:
        """Factors_BSHE/2 for all `heads`; 1 for the values."""
        if (longest := int(positions_BS.max()) + 1) > len(self._table_TE):
            self._table_TE = self._turned(2 * longest)
        queries, keys, values = self.heads
        turned = self._table_TE[positions_BS][:, :, None]
        ones = torch.ones_like(turned).expand(-1, -1, values, -1)
        return torch.cat([turned.expand(-1, -1, queries + keys, -1), ones], dim=2)

    def _turned(self, length: int) -> Tensor:
        positions = torch.arange(length)[None]
        cosine, sine = self._rotary(torch.empty(0, dtype=torch.float32), positions)
        half = self.head_size // 2
        return torch.complex(cosine[0, :, :half], sine[0, :, :half])


class Packing:
    """A model's fast copy; `phoque.models.packed.fit.unfit` says whether it may be used."""

    def __init__(self) -> None:
        self._copy: PackedLlama | None = None

    def current(self, network: Any, layout: Layout) -> PackedLlama:
        """The copy with the current weights; what changed since the last call is copied again."""
        if self._copy is None or self._copy.stamps != stamps(network):
            self._copy = self._copied(network, layout)
        return self._copy

    def _copied(self, network: Any, layout: Layout) -> PackedLlama:
        """A copy in the layout, or in the next simpler one that works with this torch."""
        for simpler in dict.fromkeys((layout, Layout.ONEDNN)):
            with suppress(RuntimeError, AttributeError):
                return PackedLlama(network, simpler, self._copy)
        return PackedLlama(network, Layout.PLAIN, self._copy)


def _layer(block: Any, layout: Layout) -> PackedLayer:
    attention, mlp = block.self_attn, block.mlp
    size = attention.head_dim
    joined = [
        _paired(attention.q_proj.weight, size),
        _paired(attention.k_proj.weight, size),
        attention.v_proj.weight,
    ]
    return PackedLayer(
        query_key_value=laid_out(_folded(joined, block.input_layernorm), layout),
        attention_out=laid_out(attention.o_proj.weight, layout),
        gate_up=laid_out(
            _folded([mlp.gate_proj.weight, mlp.up_proj.weight], block.post_attention_layernorm),
            layout,
        ),
        down=laid_out(mlp.down_proj.weight, layout),
        attention_epsilon=_epsilon(block.input_layernorm),
        mlp_epsilon=_epsilon(block.post_attention_layernorm),
        scaling=attention.scaling,
    )


def _paired(weight_ND: Tensor, head_size: int) -> Tensor:
    """The map with outputs i and i + E/2 of each head, which rotate together, side by side."""
    halves = weight_ND.view(-1, 2, head_size // 2, weight_ND.shape[1])
    return halves.transpose(1, 2).reshape(weight_ND.shape)


def _folded(weights_ND: Sequence[Tensor], norm: Any) -> Tensor:
    """Maps of x / rms(x) * weight as one map of x / (rms(x) * sqrt(D))."""
    joined_ND = torch.cat([weight.detach() for weight in weights_ND])
    scale_D: Tensor = norm.weight.detach().double() * math.sqrt(len(norm.weight))
    return (joined_ND.double() * scale_D).to(joined_ND.dtype)


def _epsilon(norm: Any) -> Tensor:
    """The norm's epsilon as a length beside that of the residual stream."""
    return torch.tensor(math.sqrt(norm.variance_epsilon * len(norm.weight)))
