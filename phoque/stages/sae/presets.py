"""Sizes of a dictionary and of the evidence for it: the same code path from a test to a GPU."""

from dataclasses import replace

from phoque.errors import PhoqueError
from phoque.run.sae import SaePreset

QUICK = SaePreset(name="quick", tokens=100_000, d_sae=2304, k=32, batch_size=1024, epochs=5)
STANDARD = replace(
    QUICK,
    name="standard",
    tokens=400_000,
    d_sae=4608,
    batch_size=2048,
    epochs=6,
    steering_prompts=48,
)
LARGE = replace(STANDARD, tokens=2_000_000, d_sae=24_576, k=64, batch_size=4096, epochs=2)
SMALL = replace(QUICK, tokens=10_000, d_sae=64, k=4, batch_size=256, epochs=2, context=480)
TINY = replace(SMALL, name="tiny", reply_tokens=6, screened=4, generated=1, steering_prompts=4)
PRESETS = {
    "quick": QUICK,
    "standard": STANDARD,
    "ministral": replace(LARGE, name="ministral", context=256),
    "tiny": TINY,
}
"""quick and standard: SmolLM2 on two CPU cores; ministral: a GPU; tiny: tests."""


def sae_preset(name: str | None, model: str) -> SaePreset:
    """The preset called `name`, None is the one for the run's model; PhoqueError without one."""
    own = {"tiny-mistral3": "tiny", "ministral-fp8": "ministral"}.get(model, model)
    found = PRESETS.get(name or (own if own in PRESETS else "quick"))
    if found is None:
        raise PhoqueError(f"There is no SAE preset {name!r}. Known: {', '.join(PRESETS)}.")
    return found


def with_tokens(preset: SaePreset, tokens: int) -> SaePreset:
    """The preset on so many training tokens; of more there are fewer passes, but at least one."""
    passes = max(1, round(preset.epochs * preset.tokens / tokens))
    return replace(preset, tokens=tokens, epochs=min(preset.epochs, passes))
