"""Collect and train: the activations on disk, one dictionary a seed, and one with a frozen decoder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from phoque.models.structure import layers_path
from phoque.stages.sae.autoencoder import Facts, SparseAutoencoder, calibrated
from phoque.stages.sae.collect import Activations, collect, load_activations
from phoque.stages.sae.sources import collected_texts
from phoque.stages.sae.study import Study
from phoque.stages.sae.train import Scaling, TrainConfig, train

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


FROZEN = "frozen"
SAMPLE = 50_000
"""Rows that tell mean and scale."""
THRESHOLD_ROWS = 20_000
"""Most rows that the threshold is calibrated on."""


def collect_activations(study: Study) -> None:
    """Write the activations of the chosen layer."""
    texts = collected_texts(study)
    collect(study.base, texts, study.layer, study.preset.tokens, study.work)


def train_dictionary(study: Study, seed: int, *, frozen: bool = False) -> None:
    """Train, calibrate on the first half of the held-out rows, and save one dictionary."""
    preset, activations = study.preset, load_activations(study.work)
    config = TrainConfig(
        d_sae=preset.d_sae,
        k=preset.k,
        epochs=preset.epochs,
        steps_per_epoch=preset.tokens // preset.batch_size,
        seed=seed,
        freeze_decoder=frozen,
    )

    def batches(epoch: int) -> Iterator[Tensor]:
        size, buffer = preset.batch_size, preset.buffer_tokens
        shuffle = 1000 * seed + epoch
        return shuffled_batches(activations.train_TD, size, buffer_tokens=buffer, seed=shuffle)

    scaling = Scaling.of(torch.from_numpy(np.array(activations.train_TD[:SAMPLE])).float())
    sae, losses = train(config, scaling, batches, study.base.device)
    first_half = activations.held_out_TD()[: min(preset.tokens // 20, THRESHOLD_ROWS)]
    folder = dictionary_folder(study, None if frozen else seed)
    calibrated(sae, first_half, preset.k).save(
        folder, metadata(study, activations) | {"seed": seed, "loss": losses[-1]}
    )


def dictionary(study: Study, seed: int | None = None) -> SparseAutoencoder:
    """The dictionary of a seed; None is the one with the frozen random decoder."""
    return SparseAutoencoder.load(dictionary_folder(study, seed))


def dictionary_folder(study: Study, seed: int | None) -> Path:
    """Where a dictionary is while the stage is not complete."""
    return study.work / (FROZEN if seed is None else f"seed-{seed}")


def metadata(study: Study, activations: Activations) -> Facts:
    """What SAELens keeps beside the weights, and where the activations come from."""
    path = layers_path(study.base.model)
    return {
        "model_name": study.base.name,
        "hook_name": f"blocks.{study.layer}.hook_resid_post",
        "hf_hook_name": f"{path}.{study.layer}",
        "model_class_name": type(study.base.model).__name__,
        "context_size": study.preset.context,
        "prepend_bos": False,
        "dataset_path": "phoque: " + ", ".join(activations.facts.sources),
        "model_digest": study.base.digest(),
        "preset": study.preset.name,
        "train_tokens": activations.facts.train_tokens,
        "k": study.preset.k,
        "median_norm": activations.facts.median_norm,
        "norm_limit": activations.facts.limit,
        "first_position_masked": True,
    }
