"""Processes that train one adapter together, one a GPU, as `accelerate launch` starts them.

All of them do the same on different examples; the first one alone keeps the run, the others write
to folders that are thrown away.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import distributed, nn

from phoque.config import this_process
from phoque.errors import PhoqueError
from phoque.models.structure import decoder_layers
from phoque.stages.adapter.settings import AdapterConfig

WHOLE_PRECISION = "adamw_torch_fused"
LAUNCH = "accelerate launch --config_file training/multi_gpu.yaml -m training persona --run DIR"


def take_own_gpu() -> None:
    """Work on the GPU that is this process's own; PhoqueError where one process sees several."""
    process, gpus = this_process(), torch.cuda.device_count()
    if process.number == 1 and gpus > 1:
        raise PhoqueError(
            f"One process sees {gpus} GPUs and can train on one. Start one a GPU: {LAUNCH}; or show "
            "it only the first: CUDA_VISIBLE_DEVICES=0 before the same command."
        )
    if gpus:
        torch.cuda.set_device(process.local_rank)


def share_of(config: AdapterConfig) -> AdapterConfig:
    """The settings of one of the processes: together they take as many examples a step as one would.

    PhoqueError where the examples of a step cannot be dealt out evenly.
    """
    number, examples = this_process().number, config.batch_size * config.accumulation_steps
    if examples % number:
        fitting = [count for count in range(1, examples + 1) if examples % count == 0]
        raise PhoqueError(
            f"{examples} examples a step cannot be dealt out evenly to {number} processes. Start "
            f"{', '.join(map(str, fitting))}: --num_processes of accelerate launch."
        )
    own = examples // number
    batch = math.gcd(config.batch_size, own)
    # The 8-bit optimizer cannot update sharded weights.
    optimizer = WHOLE_PRECISION if this_process().sharded else config.optimizer
    return replace(config, batch_size=batch, accumulation_steps=own // batch, optimizer=optimizer)


def share_out(state: Any, network: nn.Module) -> None:
    """Have FSDP share out the decoder blocks, found by structure; `state` is accelerate's."""
    plugin = getattr(state, "fsdp_plugin", None)
    if plugin is None:
        raise PhoqueError(
            "Weights are shared out over GPUs only, and there are none for these processes. Start "
            "them with --config_file training/multi_gpu.yaml."
        )
    plugin.transformer_cls_names_to_wrap = [type(decoder_layers(network)[0]).__name__]


@contextmanager
def thrown_away() -> Iterator[Path]:
    """A folder for what a process writes that does not keep the run."""
    with TemporaryDirectory(prefix="phoque-") as folder:
        yield Path(folder)


def wait_for_all() -> None:
    """Go on when every process has come here."""
    total([0.0])


def any_of(told: bool) -> bool:  # noqa: FBT001  # it is the value itself
    """Whether any of the processes was told."""
    return total([float(told)]) > [0.0]


def total(values: Sequence[float]) -> list[float]:
    """The sum over all processes of each of the values; all have to ask, in the same order."""
    if not distributed.is_initialized():
        return list(values)
    place = "cuda" if torch.cuda.is_available() else "cpu"
    summed = torch.tensor(values, dtype=torch.float64, device=place)
    distributed.all_reduce(summed)
    return [float(value) for value in summed]
