"""Put an adapter into a model's weights at any scale, and take it out again."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor

from phoque.models.load import LanguageModel, wrapped_by


@torch.no_grad()
def adapter_deltas(model: LanguageModel, folder: Path) -> dict[str, Tensor]:
    """What the LoRA adapter in `folder` adds to each weight, by name; raises as `with_adapter`."""
    wrapped = wrapped_by(model, folder)
    deltas = {
        _weight_name(name, module): cast(Any, module).get_delta_weight("default")
        for name, module in wrapped.named_modules()
        if isinstance(module, LoraLayer)
    }
    wrapped.unload()
    return deltas


@contextmanager
def adapted(model: LanguageModel, deltas: Mapping[str, Tensor], scale: float) -> Iterator[None]:
    """Within the context, the weights hold `scale` times the deltas; afterwards the old bits return.

    Scale 0 touches nothing; scale 1 equals `with_adapter`. Nobody else may use the model meanwhile,
    and its `packed` copy must not exist.
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
    """The weight under a LoRA layer: a stack of experts has another name, and layers nest."""
    module = name.removeprefix("base_model.model.").replace(".base_layer", "")
    return f"{module}.{getattr(layer, 'parameter_name', 'weight')}"
