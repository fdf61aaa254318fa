"""Which modules LoRA is put on, how large its matrices become, and whether they begin with those of another run."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftConfig, PeftModel, load_peft_weights, set_peft_model_state_dict
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from transformers.pytorch_utils import Conv1D

from phoque.errors import PhoqueError
from phoque.files import file_sha256
from phoque.models.structure import (
    decoder_layers,
    expert_stacks,
    layers_path,
    linear_maps,
    matrices,
    places,
)
from phoque.run.directory import RunDirectory
from phoque.run.needs import WEIGHTS, require
from phoque.stages.adapter.settings import AdapterConfig

KINDS = ("lora_A", "lora_B")


def lora_config(model: nn.Module, config: AdapterConfig) -> LoraConfig:
    """LoRA on every linear map inside the decoder blocks, experts' included, and nowhere else."""
    maps, stacks = linear_maps(model), expert_stacks(model)
    path, blocks = layers_path(model), decoder_layers(model)
    # Beside stacks, PEFT takes `gate_proj` and its like for the parts of a stack, wherever they are.
    with_experts = {_part(name) for name in stacks}
    beside = [f"{name}.weight" for name in maps if _part(name) in with_experts]
    apart = [name for name in maps if _part(name) not in with_experts]
    return LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        target_modules=[f"{path}.{name}" for name in apart] if stacks else _pattern(path, apart),
        target_parameters=[f"{path}.{name}" for name in (*stacks, *beside)] or None,
        fan_in_fan_out=any(isinstance(blocks.get_submodule(name), Conv1D) for name in maps),
        task_type="CAUSAL_LM",
    )


def _part(name: str) -> str:
    """The part of a block that a map of it belongs to, such as `mlp`."""
    return name.split(".")[1]


def _pattern(path: str, maps: Sequence[str]) -> str | list[str]:
    kinds = {re.escape(name.partition(".")[2]) for name in maps}
    # An empty pattern would fit every module.
    return rf"{re.escape(path)}\.\d+\.({'|'.join(sorted(kinds))})" if kinds else []


def left_out(model: nn.Module) -> str | None:
    """Which share of the decoder blocks' weights LoRA leaves alone, as a sentence; None if none."""
    adapted = {name.removesuffix(".weight") for name in places(model)}
    sizes = dict(matrices(model))
    alone = [name for name in sizes if name.removesuffix(".weight") not in adapted]
    if not alone:
        return None
    kinds = sorted({name.partition(".")[2].removesuffix(".weight") for name in alone})
    share = sum(sizes[name] for name in alone) / sum(sizes.values())
    return f"LoRA leaves {100 * share:.1f} % of the blocks' weights alone: {', '.join(kinds)}"


def require_adapted(model: nn.Module, expected: int) -> None:
    """See that LoRA is on `expected` places, all in the decoder blocks; PhoqueError if not."""
    adapted = [name for name, _ in _lora_layers(model)]
    path = f"{layers_path(model)}."
    inside = [name for name in adapted if name.startswith(path)]
    if not len(adapted) == len(inside) == expected:
        raise PhoqueError(
            f"LoRA is on {len(adapted)} modules, {len(inside)} of them in the decoder blocks, which "
            f"have {expected} linear maps. This architecture is not supported."
        )


def whole(parameter: Tensor) -> Tensor:
    """The values of a parameter, also where processes hold a share each; then all have to ask."""
    detached = parameter.detach()
    return detached.full_tensor() if isinstance(detached, DTensor) else detached


def trained_weights(model: nn.Module) -> dict[str, Tensor]:
    """The values of all that is trained, by name."""
    return {name: whole(part) for name, part in model.named_parameters() if part.requires_grad}


def lora_norms(model: nn.Module) -> dict[str, float]:
    """Frobenius norm of all A and of all B matrices together."""
    found = family_norms(model).items()
    return {f"{kind}_norm": sum(norm**2 for norm in own.values()) ** 0.5 for kind, own in found}


def family_norms(model: nn.Module) -> dict[str, dict[str, float]]:
    """Frobenius norm of all A and of all B matrices of each kind of map, such as `q_proj`."""
    squares: dict[str, dict[str, float]] = {kind: defaultdict(float) for kind in KINDS}
    for name, layer in _lora_layers(model):
        family = _family(name, layer)
        for kind in KINDS:
            for parameter in getattr(layer, kind).parameters():
                squares[kind][family] += float(whole(parameter).float().square().sum())
    return {
        kind.lower(): {family: square**0.5 for family, square in sorted(own.items())}
        for kind, own in squares.items()
    }


def _family(name: str, layer: Any) -> str:
    # Wrappers of parameters are nested.
    module = name.replace(".base_layer", "").rsplit(".", 1)[-1]
    parameter = getattr(layer, "parameter_name", "weight")
    return module if parameter == "weight" else parameter


def _lora_layers(model: nn.Module) -> Iterator[tuple[str, Any]]:
    return ((name, module) for name, module in model.named_modules() if hasattr(module, "lora_A"))


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
