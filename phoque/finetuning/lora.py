"""Which modules LoRA is put on, and how large its matrices become."""

import re
from collections import defaultdict

from peft import LoraConfig
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from phoque.errors import PhoqueError
from phoque.finetuning.settings import AdapterConfig
from phoque.models.structure import decoder_layers, layers_path

KINDS = ("lora_a", "lora_b")
LORA = re.compile(rf"(\w+)\.({'|'.join(KINDS)})\b")


def lora_config(model: nn.Module, config: AdapterConfig) -> LoraConfig:
    """LoRA on every linear map inside the decoder blocks, and nowhere else."""
    names = {name.rsplit(".", 1)[-1] for name in linear_maps(model)}
    path = re.escape(layers_path(model))
    return LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        target_modules=rf"{path}\.\d+\..*\b({'|'.join(sorted(names))})",
        task_type="CAUSAL_LM",
    )


def linear_maps(model: nn.Module) -> list[str]:
    """Names of the linear maps inside the decoder blocks, such as `0.self_attn.q_proj`."""
    modules = decoder_layers(model).named_modules()
    return [name for name, module in modules if isinstance(module, nn.Linear)]


def require_adapted(model: nn.Module, expected: int) -> None:
    """See that LoRA is on `expected` modules, all of them in the decoder blocks.

    Raises:
        PhoqueError: it is on more or fewer.
    """
    adapted = [name for name, module in model.named_modules() if hasattr(module, "lora_A")]
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
    return {
        f"{kind}_norm": sum(norm**2 for norm in norms.values()) ** 0.5
        for kind, norms in family_norms(model).items()
    }


def family_norms(model: nn.Module) -> dict[str, dict[str, float]]:
    """Frobenius norm of all A and of all B matrices of each kind of module, such as `q_proj`."""
    squares: dict[str, dict[str, float]] = {kind: defaultdict(float) for kind in KINDS}
    for name, parameter in model.named_parameters():
        if found := LORA.search(name.lower()):
            family, kind = found.groups()
            squares[kind][family] += float(whole(parameter).float().square().sum())
    return {
        kind: {family: square**0.5 for family, square in sorted(own.items())}
        for kind, own in squares.items()
    }
