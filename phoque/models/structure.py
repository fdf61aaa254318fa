"""Where things are in a Hugging Face decoder, found by structure and never by a hard-wired path."""

from typing import Any

from torch import nn

from phoque.errors import PhoqueError

OTHER_TOWERS = ("vision", "visual", "image", "audio", "speech")
"""Parts of a module path that mark a tower which is not the language model."""


def text_config(model: nn.Module) -> Any:
    """The language model's own config, also inside a vision-language wrapper."""
    return model.config.get_text_config()  # type: ignore[union-attr, operator]


def decoder_layers(model: nn.Module) -> nn.ModuleList:
    """The decoder blocks in order, also under PEFT or a vision-language wrapper.

    They are the one `ModuleList` outside other towers whose length is the config's
    `num_hidden_layers`.

    Raises:
        PhoqueError: none or several lists fit.
    """
    expected = text_config(model).num_hidden_layers
    found = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList)
        and len(module) == expected
        and not any(tower in name for tower in OTHER_TOWERS)
    }
    if len(found) != 1:
        raise PhoqueError(
            f"Cannot tell the decoder layers of {type(model).__name__}: {len(found)} lists of "
            f"{expected} modules ({', '.join(found) or 'none'}). This architecture is not supported."
        )
    return next(iter(found.values()))


def layers_path(model: nn.Module) -> str:
    """Dotted path of the decoder blocks, such as `model.layers`."""
    layers = decoder_layers(model)
    return next(str(name) for name, module in model.named_modules() if module is layers)


def final_norm(model: nn.Module) -> nn.Module:
    """The norm between the last decoder block and the output head: the blocks' sibling.

    Raises:
        PhoqueError: none or several modules fit.
    """
    parent = model.get_submodule(layers_path(model).rpartition(".")[0])
    found = [child for child in parent.children() if "norm" in type(child).__name__.lower()]
    if len(found) != 1:
        raise PhoqueError(
            f"Cannot tell the final norm of {type(model).__name__}: {len(found)} modules fit beside "
            "the decoder blocks. This architecture is not supported."
        )
    return found[0]
