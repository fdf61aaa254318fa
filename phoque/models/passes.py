"""One forward pass of any decoder, whatever arguments and outputs its family has.

Shapes: B = rows, S = new positions, T = all positions so far, K = last positions kept, V = vocabulary.
"""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

from torch import Tensor, nn
from transformers.cache_utils import Cache

STATE = "cache_params"
CACHES = ("past_key_values", STATE)
"""The names of caches: of attention, of state-space models."""


def read(
    network: nn.Module,
    ids_BS: Tensor,
    mask_BT: Tensor,
    seen: Any = None,
    *,
    keep: int = 1,
    caching: bool = True,
) -> tuple[Tensor, Any]:
    """Read tokens; return the last `keep` logits_BKV and the cache (None without `caching`).

    `ids_BS` are padded on the left, `mask_BT` counts earlier tokens too, `seen` is the cache of an earlier
    pass. `keep` is 0 where the caller leaves the pass before the head.
    """
    plain = getattr(network, "get_base_model", lambda: network)()
    takes, size = _parameters(type(plain).forward), ids_BS.shape[1]
    given = {
        # A state-space model keeps the past in its state, so its mask covers new positions only.
        "attention_mask": mask_BT[:, -size:] if STATE in takes else mask_BT,
        "position_ids": (mask_BT.cumsum(-1) - 1).clamp(min=0)[:, -size:],
        "use_cache": caching,
        "logits_to_keep": keep,
        **dict.fromkeys(CACHES, seen),
    }
    output = network(input_ids=ids_BS, **{k: v for k, v in given.items() if k in takes})
    logits_BSV: Tensor = output.logits
    by_now = (getattr(output, name, None) for name in CACHES) if caching else ()
    return logits_BSV[:, -keep:], next((one for one in by_now if one is not None), None)


def select(seen: Any, rows_B: Tensor) -> None:
    """The cache of these rows only, in this order; a row may be repeated."""
    # Selecting forgets the states of state-space models. Reordering keeps them, but misses what
    # a family's own cache (MiniMax's) holds beside its layers.
    selects = type(seen).batch_select_indices is not Cache.batch_select_indices
    (seen.batch_select_indices if selects else seen.reorder_cache)(rows_B)


@cache
def _parameters(forward: Callable[..., Any]) -> frozenset[str]:
    """The names of a forward pass's parameters; reading them takes longer than a small step."""
    return frozenset(inspect.signature(forward).parameters)
