"""One forward pass of any decoder: families differ in what they take and in what they give back.

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
"""What families call what was read before: of attention, of state-space models."""


def read(
    network: nn.Module,
    ids_BS: Tensor,
    mask_BT: Tensor,
    seen: Any = None,
    *,
    keep: int = 1,
    caching: bool = True,
) -> tuple[Tensor, Any]:
    """Read tokens: the last `keep` logits_BKV, and what was seen by now, None without `caching`.

    Args:
        network: read as it is, also under PEFT.
        ids_BS: tokens, padded on the left.
        mask_BT: 1 where there is a token, for those read before, too.
        seen: what an earlier pass gave back.
        keep: logits of so many last positions; 0 is for those who leave the pass before the head.
        caching: whether to keep what is read.
    """
    takes, size = _parameters(type(_plain(network)).forward), ids_BS.shape[1]
    given = {
        # What a state-space model has seen is in its state: the mask is of new positions only.
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
    """Go on with these rows of what was seen, in this order; a row may be taken several times."""
    # Selecting forgets the states of state-space models; reordering does the same for all layers,
    # but knows nothing of what a family's own cache holds beside them (MiniMax's).
    selects = type(seen).batch_select_indices is not Cache.batch_select_indices
    (seen.batch_select_indices if selects else seen.reorder_cache)(rows_B)


@cache
def _parameters(forward: Callable[..., Any]) -> frozenset[str]:
    """Names that a forward pass takes; others it would ignore or refuse."""
    return frozenset(inspect.signature(forward).parameters)


def _plain(network: Any) -> nn.Module:
    unwrap = getattr(network, "get_base_model", None)
    plain: nn.Module = unwrap() if unwrap else network
    return plain
