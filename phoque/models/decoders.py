"""Forward passes with a key-value cache, whatever the model and the machine.

Shapes: B = rows, S = positions, K = last positions kept, V = vocabulary.
"""

from collections.abc import Sequence
from typing import Any, Protocol, Self

import torch
import torch.nn.functional as F  # noqa: N812  # the name the field uses
from torch import Tensor
from transformers.cache_utils import DynamicCache, DynamicLayer

from phoque.models.hooks import Interventions, changed
from phoque.models.load import LanguageModel
from phoque.models.packed.decoder import PackedDecoder, ending, ending_of_mask, seen_length
from phoque.models.packed.reading import blocks_read
from phoque.models.packed.threads import capped
from phoque.models.passes import read, select
from phoque.progress import Stopped, never
from phoque.stats.rates import grouped

LEAST_SAVED = 0.3
"""Shared beginnings are read once if that saves at least this share of all tokens."""


class Decoder(Protocol):
    """A forward pass with a key-value cache."""

    def prefill(self, ids_BS: Tensor, mask_BS: Tensor, keep: int = 1) -> Tensor:
        """Read left-padded prompts behind what was read before; logits_BKV of the last `keep`."""

    def step(self, ids_B: Tensor) -> Tensor:
        """Read one more token a row; its logits_BV."""

    def keep(self, rows: Sequence[int]) -> None:
        """Continue with these rows only, in this order; a row may be repeated."""

    @property
    def joins(self) -> bool:
        """Whether new rows can join: only if the blocks keep all positions."""

    def join(self, other: Self) -> Self:
        """Append the rows of another decoder of the same model, and return this one.

        Both must have read something. Positions that no row uses are dropped.
        """


def prefilled(
    model: LanguageModel,
    rows: Sequence[Interventions],
    texts: Sequence[Sequence[int]],
    *,
    keep: int = 1,
    share: bool = False,
) -> tuple[Decoder, Tensor]:
    """A decoder that has read `texts`, and its last logits_BKV.

    With `share`, a beginning that rows with equal interventions have in common is read once if that
    saves much. Rounding then differs from reading every row alone.
    """
    decoder = decoder_for(model, rows)
    groups, size = _beginnings(rows, texts, keep) if share else ([], 0)
    if not size or not isinstance(decoder, PackedDecoder):
        return decoder, decoder.prefill(*left_padded(texts, model), keep)
    first = [texts[groups.index(group)][:size] for group in range(max(groups) + 1)]
    rest = left_padded([text[size:] for text in texts], model)
    return decoder, decoder.prefill_shared(groups, torch.tensor(first), *rest, keep)


def begun(
    model: LanguageModel,
    rows: Sequence[Interventions],
    texts: Sequence[Sequence[int]],
    *,
    owner: str | None = None,
    stopped: Stopped = never,
) -> tuple[Decoder, Tensor]:
    """A decoder that has read `texts`, and its last logits_BV.

    With the fast pass, earlier turns of the owner come from `model.memory`; the logits are the same
    to the bit. Without an owner nothing is kept. Other passes read long texts to their end, whatever
    `stopped` says.

    Raises:
        UnwantedError: `stopped` said so while they were read.
    """
    decoder = decoder_for(model, rows)
    if isinstance(decoder, PackedDecoder):
        decoder, texts = blocks_read(decoder.weights, model.memory, rows, texts, owner, stopped)
    return decoder, decoder.prefill(*left_padded(texts, model))[:, -1]


def _beginnings(
    rows: Sequence[Interventions], texts: Sequence[Sequence[int]], keep: int
) -> tuple[list[int], int]:
    """Each row's group of equal interventions, and how many tokens each group shares."""
    keys = [tuple(map(id, row)) for row in rows]
    order = {key: index for index, key in enumerate(dict.fromkeys(keys))}
    groups = [order[key] for key in keys]
    members = grouped(zip(groups, map(list, texts), strict=True))
    size = min(map(_common, members.values()))
    size = min(size, min(map(len, texts)) - keep)
    saved = size * (len(texts) - len(members))
    return groups, size if saved > LEAST_SAVED * sum(map(len, texts)) else 0


def _common(texts: Sequence[list[int]]) -> int:
    """Length of the longest common beginning."""
    first, last = min(texts), max(texts)  # all others lie between these two in sorted order
    differing = (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
    return next(differing, min(len(first), len(last)))


def decoder_for(model: LanguageModel, rows: Sequence[Interventions]) -> Decoder:
    """The fastest forward pass that computes what `model` computes."""
    packed = model.packed
    return HookedDecoder(model, rows) if packed is None else PackedDecoder(packed, rows)


def left_padded(prompts: Sequence[Sequence[int]], model: LanguageModel) -> tuple[Tensor, Tensor]:
    """Token ids_BS and mask_BS, padded on the left: a reply starts right after its prompt."""
    longest = max(map(len, prompts))
    ids = [[0] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
    mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids, device=model.device), torch.tensor(mask, device=model.device)


class HookedDecoder:
    """Any transformers decoder; interventions are hooks around each forward pass."""

    def __init__(self, model: LanguageModel, rows: Sequence[Interventions]) -> None:
        self._model = model
        self._rows = rows
        self._mask_BS = torch.ones(len(rows), 0, dtype=torch.long, device=model.device)
        self._cache: Any = None

    def prefill(self, ids_BS: Tensor, mask_BS: Tensor, keep: int = 1) -> Tensor:
        self._mask_BS = torch.cat([self._mask_BS, mask_BS], dim=1)
        return self._forward(ids_BS, keep)

    def step(self, ids_B: Tensor) -> Tensor:
        self._mask_BS = F.pad(self._mask_BS, (0, 1), value=1)
        return self._forward(ids_B[:, None], 1)[:, -1]

    def keep(self, rows: Sequence[int]) -> None:
        chosen = torch.tensor(rows, device=self._mask_BS.device)
        self._mask_BS = self._mask_BS[chosen]
        self._rows = [self._rows[row] for row in rows]
        select(self._cache, chosen)

    @property
    def joins(self) -> bool:
        # A family's own cache (MiniMax's) has more in it than its layers.
        plain = type(self._cache) is DynamicCache
        return plain and all(type(layer) is DynamicLayer for layer in self._cache.layers)

    def join(self, other: Self) -> Self:
        """Take over the rows of another decoder, below one's own."""
        masks = (self._mask_BS, other._mask_BS)
        size = max(map(seen_length, masks))
        for pair in zip(self._cache.layers, other._cache.layers, strict=True):
            pair[0].keys = torch.cat([ending(layer.keys, size) for layer in pair])
            pair[0].values = torch.cat([ending(layer.values, size) for layer in pair])
        self._mask_BS = torch.cat([ending_of_mask(mask, size) for mask in masks])
        self._rows = [*self._rows, *other._rows]
        return self

    def _forward(self, ids_BS: Tensor, keep: int) -> Tensor:
        with (
            capped(self._model.device),
            self._model.forward_lock,
            changed(self._model.layers, self._rows),
        ):
            network, mask_BS = self._model.model, self._mask_BS
            logits_BKV, self._cache = read(network, ids_BS, mask_BS, self._cache, keep=keep)
        return logits_BKV
