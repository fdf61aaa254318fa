"""QLoRA: the base weights are kept in 4 bits while an adapter is trained on top of them.

The adapter is an ordinary one: it goes onto the base model that is not quantised.
"""

from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig

from phoque.config import this_process
from phoque.errors import PhoqueError
from phoque.models.embedded import Progress
from phoque.models.load import LanguageModel, load_model
from phoque.models.pretrained import NO_CODE, in_fp8
from phoque.models.structure import decoder_layers, expert_stacks, linear_maps
from phoque.presets import preset_for

NF4 = "nf4"
"""4-bit values spaced as a normal distribution is, one scale for a block of them."""
BLOCKS = (64, 32)
"""Values in a block, the first that divides a row: on a CPU others are not read back as written."""
REQUIREMENT = "bitsandbytes>=0.50,<0.51"


def bitsandbytes() -> ModuleType:
    """The library of 4-bit weights and of 8-bit optimizers; PhoqueError where it is missing."""
    try:
        return import_module("bitsandbytes")
    except ImportError as error:
        raise PhoqueError(
            "4-bit weights and 8-bit optimizers need bitsandbytes, which is not installed: "
            f'pip install "{REQUIREMENT}"'
        ) from error


def load_in_4bit(model: str, *, progress: Progress = lambda _: None) -> LanguageModel:
    """A base model with the linear maps of its decoder blocks in NF4, the rest in bf16."""
    bitsandbytes()
    if preset_for(model).fp8 or _folder_in_fp8(model):
        raise PhoqueError(
            f"The weights of {model} are rounded to 8 bits already; rounding those to 4 is not "
            "supported. Train on the bf16 weights: --model ministral."
        )
    if this_process().sharded:
        raise PhoqueError(
            "4-bit weights cannot be shared out over GPUs. Start it with --config_file "
            "training/multi_gpu.yaml, or leave out --quantize."
        )
    # Each map is quantised on its way to the GPU, which never holds the bf16 weights of all.
    base = load_model(model, device="cpu", dtype=torch.bfloat16, progress=progress)
    quantize(base.model)
    base.model.to("cuda" if torch.cuda.is_available() else "cpu")
    require_quantized(base.model)
    return base


def _folder_in_fp8(model: str) -> bool:
    """What is wrong with a folder is told when it is loaded."""
    with suppress(OSError, ValueError):
        return Path(model).is_dir() and in_fp8(AutoConfig.from_pretrained(model, **NO_CODE))
    return False


def quantize(network: nn.Module) -> None:
    """Put 4-bit maps in the place of the decoder blocks' linear maps.

    They are quantised when they are next moved to a device, also to the one where they are.
    PhoqueError where a map has a width that does not fit, or is of a kind of its own, as in models
    that are quantised already.
    """
    layers = decoder_layers(network)
    if stacks := expert_stacks(network):
        raise PhoqueError(
            f"The experts of {type(network).__name__} are stacks such as {stacks[0]}, which cannot be "
            "quantised, and most of the weights. Leave out --quantize."
        )
    for name in linear_maps(network):
        linear: Any = layers.get_submodule(name)
        inputs = getattr(linear, "in_features", len(linear.weight))  # a Conv1D is transposed
        if type(linear) is not nn.Linear or inputs % BLOCKS[-1]:
            raise PhoqueError(
                f"The map {name} of the decoder blocks is a {type(linear).__name__} of "
                f"{inputs} inputs. Only plain linear maps of a multiple of {BLOCKS[-1]} "
                "inputs can be quantised: give a model with bf16 weights, or leave out --quantize."
            )
        layers.set_submodule(name, _in_4bit(linear))


def quantization(network: nn.Module) -> str | None:
    """In what the decoder blocks keep their weights: `nf4`, or None where they are not quantised."""
    return NF4 if any(map(_is_quantized, decoder_layers(network).modules())) else None


def require_quantized(network: nn.Module) -> None:
    """See that all linear maps of the decoder blocks are in 4 bits, and nothing else."""
    expected = len(linear_maps(network))
    inside = sum(map(_is_quantized, decoder_layers(network).modules()))
    found = sum(map(_is_quantized, network.modules()))
    if not found == inside == expected:
        raise PhoqueError(
            f"{found} modules are in 4 bits, {inside} of them in the decoder blocks, which have "
            f"{expected} linear maps. This architecture is not supported."
        )


def _in_4bit(linear: nn.Linear) -> Any:
    library: Any = bitsandbytes().nn
    kind = {"quant_type": NF4, "compress_statistics": True}
    module = library.Linear4bit(
        linear.in_features, linear.out_features, bias=linear.bias is not None,
        compute_dtype=torch.bfloat16, device="meta", **kind,
    )  # fmt: skip
    block = next(size for size in BLOCKS if linear.in_features % size == 0)
    module.weight = library.Params4bit(
        linear.weight.data, requires_grad=False, blocksize=block, **kind
    )
    module.bias = linear.bias
    # Where a model is only looked at, a CPU would repack its weights, which then have no gradient.
    module.support_avx512bf16_for_cpu = False
    return module


def _is_quantized(module: nn.Module) -> bool:
    return bool(getattr(getattr(module, "weight", None), "bnb_quantized", False))
