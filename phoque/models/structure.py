"""Find the parts of a Hugging Face decoder by structure, never by a hard-wired path."""

from collections.abc import Iterator
from typing import Any

from torch import nn
from transformers.pytorch_utils import Conv1D

from phoque.errors import PhoqueError

OTHER_TOWERS = ("vision", "visual", "image", "audio", "speech")
"""Module names of towers other than the language model."""
UNLIMITED = 2**31 - 1
"""Context length of models without a limit, such as Mamba and BLOOM."""
LIMITS = ("max_position_embeddings", "max_seq_len", "max_sequence_length", "n_positions", "n_ctx")
"""The names of the context length in configs."""
STATE = "A_log"
"""The parameter that marks a state-space mixer, such as Mamba: the decay of its state."""


def text_config(model: nn.Module) -> Any:
    """The language model's own config, also inside a vision-language wrapper."""
    return model.config.get_text_config()  # type: ignore[union-attr, operator]


def context_length(model: nn.Module) -> int:
    """Most tokens the model can attend to; `UNLIMITED` where its config has no limit."""
    config = text_config(model)
    limits = (getattr(config, name, None) for name in LIMITS)
    return next((limit for limit in limits if isinstance(limit, int) and limit > 0), UNLIMITED)


def decoder_layers(model: nn.Module) -> nn.ModuleList:
    """The decoder blocks in order, also under PEFT or a vision-language wrapper.

    They are the one outermost `ModuleList` of the config's `num_hidden_layers` modules outside
    other towers; PhoqueError where none or several lists fit.
    """
    expected = getattr(text_config(model), "num_hidden_layers", None)
    fitting = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList)
        and len(module) == expected
        and not any(tower in name for tower in OTHER_TOWERS)
    }
    found = [name for name in fitting if not any(name.startswith(f"{o}.") for o in fitting)]
    if len(found) != 1:
        raise PhoqueError(
            f"Cannot tell the decoder layers of {type(model).__name__}: {len(found)} lists of "
            f"{expected} modules ({', '.join(found) or 'none'}). This architecture is not supported."
        )
    return fitting[found[0]]


def layers_path(model: nn.Module) -> str:
    """Dotted path of the decoder blocks, such as `model.layers`."""
    layers = decoder_layers(model)
    return next(str(name) for name, module in model.named_modules() if module is layers)


def final_norm(model: nn.Module) -> nn.Module:
    """The norm between blocks and output head, behind the blocks; PhoqueError where none or several fit."""
    blocks = decoder_layers(model)
    siblings = list(model.get_submodule(layers_path(model).rpartition(".")[0]).children())
    norms = [child for child in siblings if "norm" in type(child).__name__.lower()]
    behind = siblings[siblings.index(blocks) :]
    found = norms if len(norms) == 1 else [norm for norm in norms if norm in behind][:1]
    if not found:
        raise PhoqueError(
            f"Cannot tell the final norm of {type(model).__name__}: {len(norms)} modules fit beside "
            "the decoder blocks. This architecture is not supported."
        )
    return found[0]


def linear_maps(model: nn.Module) -> list[str]:
    """Names of the linear maps inside the decoder blocks, such as `0.self_attn.q_proj`.

    Left out are routers that compute more than a linear map, and maps of a state-space mixer whose
    kernels read the weights directly and would miss an adapter.
    """
    blocks = decoder_layers(model)
    return [
        name
        for name, module in blocks.named_modules()
        if _is_linear(module) and _is_called(blocks, name)
    ]


def expert_stacks(model: nn.Module) -> list[str]:
    """Names of parameters that stack one linear map per expert: [experts, rows, columns]."""
    return [
        name
        for name, parameter in decoder_layers(model).named_parameters()
        if parameter.ndim == 3 and "conv" not in name.rsplit(".", 2)[-2]
    ]


def matrices(model: nn.Module) -> Iterator[tuple[str, int]]:
    """Name and size of each weight of the decoder blocks, without norms and biases."""
    for name, parameter in decoder_layers(model).named_parameters():
        if parameter.ndim > 1 and not name.endswith("bias"):
            yield name, parameter.numel()


def _is_linear(module: nn.Module) -> bool:
    own = isinstance(module, (nn.Linear, Conv1D))
    # A 4-bit map has a forward pass of its own, and says so.
    plain = type(module).forward in (nn.Linear.forward, Conv1D.forward)
    return own and (plain or hasattr(getattr(module, "weight", None), "bnb_quantized"))


def _is_called(blocks: nn.Module, name: str) -> bool:
    parent, _, own = name.rpartition(".")
    return own.startswith("in_proj") or not hasattr(blocks.get_submodule(parent), STATE)


def places(model: nn.Module) -> list[str]:
    """Names of the linear maps and stacks of experts that get LoRA; raises if there are none."""
    found = [*linear_maps(model), *expert_stacks(model)]
    if not found:
        raise PhoqueError(
            f"The decoder blocks of {type(model).__name__} have no linear maps for LoRA. This "
            "architecture can be talked to and steered, but not trained."
        )
    return found
