"""Get a model by preset, Hub id or folder, and put an adapter into it, at any scale."""

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from phoque.errors import PhoqueError, check_kind
from phoque.models.embedded import Progress, converted_folder, embedded_gguf
from phoque.models.packed.fit import unfit
from phoque.models.packed.layout import Layout, fastest, fastest_exact
from phoque.models.packed.reading import Memory
from phoque.models.packed.weights import PackedLlama, Packing
from phoque.models.passes import read
from phoque.models.pretrained import ADAPTER, read_pretrained
from phoque.models.probe import require_own_tokenizer, require_readable
from phoque.models.quiet import quiet
from phoque.models.structure import context_length, decoder_layers, text_config
from phoque.models.tiny import tiny_llama, tiny_mistral3, tiny_tokenizer
from phoque.presets import Preset, preset_for

TINY: dict[str, Callable[[], nn.Module]] = {"tiny": tiny_llama, "tiny-mistral3": tiny_mistral3}
SAMPLED_VALUES = 256


@dataclass(frozen=True, kw_only=True)
class LanguageModel:
    """A decoder with its tokenizer, ready for inference."""

    name: str
    source: str
    """Hub id, folder or preset."""
    model: Any
    tokenizer: Any
    forward_lock: Any = field(default_factory=threading.Lock, repr=False)
    """Held during a forward pass, because hooks are installed around it."""
    layout: Layout | None = None
    """How the fast pass holds the weights; None is the fastest layout without rounding."""
    memory: Memory = field(init=False, default_factory=Memory, repr=False)
    """Conversations that this model has read."""
    _packing: Packing = field(init=False, default_factory=Packing, repr=False)

    @property
    def packed(self) -> PackedLlama | None:
        """The current weights laid out for the CPU; None if the fast pass does not fit the model."""
        with self.forward_lock:
            if unfit(self.model):
                return None
            layout = self.layout or fastest_exact(next(self.model.parameters()).dtype)
            return self._packing.current(self.model, layout)

    @property
    def decodes_with(self) -> str:
        """Which forward pass is used now and why, in words."""
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
        return len(self.layers)

    @property
    def width(self) -> int:
        """Size of the residual stream, d_model."""
        return int(text_config(self.model).hidden_size)

    @property
    def context_length(self) -> int:
        """Most tokens the model can attend to."""
        return context_length(self.model)

    @torch.inference_mode()
    def require_room(self, tokens: int) -> None:
        """Raise `PhoqueError` if a text of so many tokens is too long to be read."""
        if tokens <= self.context_length:
            return
        ids_BS = torch.zeros(1, tokens, dtype=torch.long, device=self.device)
        try:
            with self.forward_lock:
                read(self.model, ids_BS, torch.ones_like(ids_BS), caching=False)
        except (IndexError, RuntimeError) as error:
            raise PhoqueError(
                f"A text is {tokens} tokens long, and {self.name} can read {self.context_length}. "
                "Shorten it, or use a model with a longer context."
            ) from error

    @property
    def device(self) -> torch.device:
        device: torch.device = next(self.model.parameters()).device
        return device

    def digest(self) -> str:
        return weights_digest(self.model)

    def with_adapter(self, folder: Path) -> "LanguageModel":
        """Fold a PEFT adapter into the weights, in place; the base weights are gone afterwards.

        PhoqueError where the folder has no adapter, or one for another architecture.
        """
        wrapped = wrapped_by(self, folder)
        try:
            merged = wrapped.merge_and_unload().eval()
        except (RuntimeError, ValueError) as error:
            raise PhoqueError(no_fit(self, folder, error)) from error
        return replace(self, model=merged, name=f"{self.name} + {folder.name}")


def wrapped_by(model: LanguageModel, folder: Path) -> Any:
    """The network with the adapter around its maps; raises as `LanguageModel.with_adapter`."""
    if not (folder / ADAPTER).exists():
        raise PhoqueError(f"No adapter in {folder}: {ADAPTER} is missing.")
    try:
        with quiet():
            return PeftModel.from_pretrained(model.model, folder)
    except (RuntimeError, ValueError) as error:
        raise PhoqueError(no_fit(model, folder, error)) from error


def no_fit(model: LanguageModel, folder: Path, error: Exception) -> str:
    """What is said of an adapter for another architecture."""
    return f"The adapter in {folder} does not fit {model.name}: {error}"


def weights_digest(network: nn.Module) -> str:
    """Fingerprint of names, shapes and a sample of every tensor, equal for equal values of any dtype."""
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
    chats: bool = True,
    progress: Progress = lambda _: None,
) -> LanguageModel:
    """Load a base model: a preset's name, a Hub id or a folder.

    Args:
        model: `lab`, `ministral`, `tiny`, `org/name` or a path.
        device: None takes the GPU if there is one.
        dtype: None takes what was measured to be fastest here. On a CPU that can be fp32 with
            weights that the fast pass rounds to fp16; an explicit fp32 is never rounded.
        chats: whether it answers messages. A guard does not: it uses its template otherwise.
        progress: gets a line about anything that takes longer than a second.

    Raises:
        PhoqueError: the model cannot be found or read, its chat template loses text, or the
            architecture cannot be steered.
    """
    check_kind("The model is", model, str, "a name or a folder, as text")
    device = _present(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    preset = preset_for(model)
    if preset.name in TINY:
        network, name = TINY[preset.name]().to(device, dtype or torch.float32), preset.name
        return LanguageModel(name=name, source=name, model=network, tokenizer=tiny_tokenizer())
    layout = fastest()[1] if dtype is None and device == "cpu" else None
    with quiet():
        source, name = _source(preset, progress)
        progress(f"Loading {name}…")
        wanted = dtype or fast_dtype(device)
        network, tokenizer = read_pretrained(source, preset, wanted, chats=chats)
        network = network.to(device).eval()
        # An architecture that cannot be steered fails here, not in the middle of a chat.
        decoder_layers(network)
        if chats:
            require_own_tokenizer(network, tokenizer, name)
        if chats and unfit(network):
            # Plain Llama blocks on a CPU need no probe: they take the fast pass, which is tested.
            require_readable(network, tokenizer, name)
    return LanguageModel(
        name=name, source=source, model=network, tokenizer=tokenizer, layout=layout
    )


def _present(device: str) -> str:
    """The device, tried before anything is loaded; raises `PhoqueError` if it is not there."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        said = str(error).partition("\n")[0].rstrip(".")
        raise PhoqueError(
            f"The device {device!r} cannot be used: {said}. Leave it out, or give cpu."
        ) from error
    return device


def fast_dtype(device: str) -> torch.dtype:
    """bf16 if `device` computes in it or was measured to be faster with it, or else fp32."""
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
