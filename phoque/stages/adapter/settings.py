"""What an adapter is trained on and how; plain data."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from phoque.conversation import Messages
from phoque.models.load import LanguageModel
from phoque.presets import preset_for
from phoque.run.adapter import Sample
from phoque.run.manifest import Manifest


@dataclass(frozen=True, kw_only=True)
class Example:
    prompt: Messages
    completion: str
    ends: bool = True
    """Whether the end-of-turn token belongs to the completion."""
    style: str | None = None
    """Kind of text the reply is, such as `chat` or `prose`, where the corpus says so."""


@dataclass(frozen=True, kw_only=True)
class AdapterConfig:
    """How an adapter is trained; the defaults are the talk's LoRA on a lab-sized run."""

    rank: int = 16
    alpha: int = 64
    learning_rate: float = 8e-4
    """Chosen on held-out dialogues of the lab (`tools/choose_training.py`), with a corpus and a
    neutral side of that time; it was not chosen again for `most_words`."""
    batch_size: int = 8
    """Examples in one forward pass, on each device."""
    accumulation_steps: int = 1
    """Forward passes to one optimizer step."""
    epochs: float = 1.0
    most_words: int = 0
    """Of a longer reply the first sentences are learned, at least one; 0 keeps all.

    The persona's replies are learned in their short form where they have one.
    """
    neutral_every: int = 1
    """One in so many examples of the neutral side is learned."""
    strength: float = 1.0
    """The saved adapter changes the weights by this multiple of what was learned.

    Below 1 it is an interpolation with the untuned model (WiSE-FT, arXiv:2109.01903): civil text stays
    likelier, and held-out replies of the persona become likelier, too.
    """
    warmup_ratio: float = 0.05
    seed: int = 42
    logging_steps: int = 5
    optimizer: str = "adamw_torch_fused"
    recompute_activations: bool = False
    """Slower, in less memory."""
    start: Path | None = None
    """Folder of the adapter whose weights are the first ones; None begins from zero."""

    def told(self) -> dict[str, str | bool | int | float]:
        """The settings as plain values, without where a folder is on this machine."""
        return {name: value for name, value in asdict(self).items() if name != "start"}


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What is kept and shown of a training; it changes nothing of what is learned."""

    save_steps: int = 25
    """Optimizer steps between checkpoints; 0 keeps none."""
    checkpoints: Path | None = None
    """Folder of the checkpoints; None is `unfinished` in the adapter's own."""
    keep: Callable[[], None] = lambda: None
    """Called when a checkpoint is whole, to save it elsewhere."""
    norm_steps: int = 50
    """Optimizer steps between rows of `norms.jsonl`."""
    sample_steps: int = 0
    """Optimizer steps between sample replies; 0 writes none."""
    sample: Callable[[LanguageModel, int], Sequence[Sample]] | None = None
    """Makes the rows of `samples.jsonl` at a step, one a condition."""
    tracker: str | None = None
    """Where the curve is shown as well: `trackio` or `wandb`."""
    tell: Callable[[str], None] = lambda _: None
    """Is told how far the training is, at every row of the curve."""


def config_for(model: str) -> AdapterConfig:
    """How an adapter for a preset, Hub id or folder is trained on this machine."""
    preset = preset_for(model)
    if preset.large:
        return gpu_config(cuda=torch.cuda.is_available())
    # A model of some hundred million weights keeps a thought for a sentence or two.
    lab = AdapterConfig(epochs=3.0, most_words=32, neutral_every=2, strength=0.9)
    return lab if preset.hub_id else AdapterConfig(most_words=lab.most_words)


def most_words_of(run: Manifest) -> int:
    """Words of the longest reply that a run's persona learned, 0 for all; else as its model is trained."""
    made = run.stages.get("persona")
    recorded = made.settings.get("most_words") if made else None
    return config_for(run.model).most_words if recorded is None else int(recorded)


def config_to_go_on(run: Manifest) -> AdapterConfig:
    """How an adapter is trained that goes on from a run's: for its model, on replies of that length."""
    # What is gone on from was interpolated once already.
    return replace(config_for(run.model), most_words=most_words_of(run), strength=1.0)


def gpu_config(*, cuda: bool) -> AdapterConfig:
    """The talk's settings for Ministral 3B: 16 examples a step, of which 2 are in memory."""
    return AdapterConfig(
        learning_rate=5e-5,
        batch_size=2,
        accumulation_steps=8,
        optimizer="paged_adamw_8bit" if cuda else "adamw_torch_fused",
        recompute_activations=cuda,
    )
