"""A training that goes on from an adapter of another run instead of from zero."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from peft import PeftConfig, PeftModel, load_peft_weights, set_peft_model_state_dict

from phoque.errors import PhoqueError
from phoque.files import file_sha256
from phoque.run.directory import RunDirectory
from phoque.run.needs import WEIGHTS, require
from phoque.stages.adapter.lora import trained_weights
from phoque.stages.adapter.settings import AdapterConfig

GENTLER = 0.25
"""Share of the usual learning rate: most of what was learned is to stay."""
MOST_EPOCHS = 2.0


def start_of(run: RunDirectory, name: str) -> Path | None:
    """Folder of the adapter from which the one of that name goes on; None where it begins from zero.

    PhoqueError where the other run has none, or its persona was changed since.
    """
    known, earlier = run.manifest().continues, run.begun_from
    if not (known and earlier):
        return None
    require(earlier, (name,))
    folder = earlier.path / name
    if name == "persona" and file_sha256(folder / WEIGHTS) != known.adapter:
        raise PhoqueError(
            f"{folder} is not the adapter that {run.path} goes on from: it was changed since. "
            "Refresh that run into another folder: --to DIR"
        )
    return folder


def going_on(config: AdapterConfig, start: Path | None) -> AdapterConfig:
    """The settings for going on from `start`: its rank, few epochs, small steps."""
    if start is None:
        return config
    known = PeftConfig.from_pretrained(str(start))
    return replace(
        config,
        start=start,
        rank=known.r,
        alpha=known.lora_alpha,
        learning_rate=GENTLER * config.learning_rate,
        epochs=min(config.epochs, MOST_EPOCHS),
    )


def begin_with(network: PeftModel, start: Path) -> None:
    """Give fresh LoRA layers the weights of an adapter; PhoqueError where it is of another model."""
    weights = load_peft_weights(str(start), device="cpu")
    try:
        result: Any = set_peft_model_state_dict(network, weights)
        fits = not result.unexpected_keys
    except RuntimeError:  # a matrix of another size
        fits = False
    if not fits or len(weights) != len(trained_weights(network)):
        raise PhoqueError(
            f"The adapter in {start} does not fit this model. Give a run that was made with it."
        )
