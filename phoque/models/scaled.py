"""Adapters in a model's weights at any scale, in one copy of the model."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from torch import Tensor

from phoque.errors import PhoqueError
from phoque.models.load import LanguageModel


@torch.no_grad()
def adapter_deltas(model: LanguageModel, folder: Path) -> dict[str, Tensor]:
    """What the LoRA adapter in `folder` adds to each weight, by the weight's name.

    Raises:
        PhoqueError: the folder has no adapter, or one for another architecture.
    """
    if not (folder / "adapter_config.json").exists():
        raise PhoqueError(f"No adapter in {folder}: adapter_config.json is missing.")
    try:
        wrapped = PeftModel.from_pretrained(model.model, folder)
    except (RuntimeError, ValueError) as error:
        raise PhoqueError(f"The adapter in {folder} does not fit {model.name}: {error}") from error
    deltas = {
        _weight_name(name, module): cast(Any, module).get_delta_weight("default")
        for name, module in wrapped.named_modules()
        if isinstance(module, LoraLayer)
    }
    wrapped.unload()
    return deltas


@contextmanager
def adapted(model: LanguageModel, deltas: Mapping[str, Tensor], scale: float) -> Iterator[None]:
    """Within the context, `scale` times the deltas are in the weights; then the old bits are back.

    At scale 0 nothing is touched; at scale 1 the weights are those of `with_adapter`. For a model
    that nobody else is using, and whose `packed` copy was not made.
    """
    weights = {name: model.model.get_parameter(name) for name in deltas} if scale else {}
    kept = {name: weight.data for name, weight in weights.items()}
    try:
        for name, weight in weights.items():
            weight.data = weight.data + scale * deltas[name].to(weight)
        yield
    finally:
        for name, weight in weights.items():
            weight.data = kept[name]


def _weight_name(name: str, layer: object) -> str:
    """Of what a LoRA layer is put on: of a stack of experts it is not `weight`, and layers nest."""
    module = name.removeprefix("base_model.model.").replace(".base_layer", "")
    return f"{module}.{getattr(layer, 'parameter_name', 'weight')}"
