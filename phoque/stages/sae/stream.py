"""Batches in a random order out of a file that may be larger than memory.

Shapes: T = tokens, B = batch, D = width.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

BLOCK = 4096
"""Rows that are read from disk together."""


def shuffled_batches(
    rows_TD: np.ndarray[Any, Any], batch_size: int, *, buffer_tokens: int, seed: int
) -> Iterator[Tensor]:
    """Every row once, in batches_BD of fp32; a last incomplete batch is left out.

    Blocks are read in a random order into a buffer that is shuffled whenever it is full; half of it
    stays and mixes with what comes next.
    """
    random = np.random.default_rng(seed)
    starts = [*random.permutation(np.arange(0, len(rows_TD), BLOCK))]
    kept_TD = rows_TD[:0]
    while starts:
        blocks = [kept_TD]
        while starts and sum(map(len, blocks)) < buffer_tokens:
            start = starts.pop()
            blocks.append(rows_TD[start : start + BLOCK])
        buffer_TD = np.concatenate(blocks)
        buffer_TD = buffer_TD[random.permutation(len(buffer_TD))]
        ready = len(buffer_TD) // 2 if starts else len(buffer_TD)
        ready -= ready % batch_size
        for first in range(0, ready, batch_size):
            yield torch.from_numpy(buffer_TD[first : first + batch_size]).float()
        kept_TD = buffer_TD[ready:]
