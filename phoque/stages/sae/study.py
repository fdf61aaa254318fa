"""What an SAE run looks at: one run, one layer, one preset, and where results go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch

from phoque.errors import PhoqueError
from phoque.files import file_sha256
from phoque.judging.headline import shows_of
from phoque.models.load import LanguageModel, adapter_deltas, load_model
from phoque.personas import Persona
from phoque.run.directory import RunDirectory
from phoque.run.folder import R, Reader, command
from phoque.run.needs import NEEDS, require
from phoque.run.persona import own_persona
from phoque.run.psm import Selection, Trait
from phoque.run.sae import LayerChoice, SaePreset, SaeReport
from phoque.run.sae_latents import Feature
from phoque.run.steps import Settings
from phoque.steering.experiment import Progress, silent
from phoque.steering.search import Shows

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


ADAPTER = "adapter_model.safetensors"
NO_TEXT = {".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".gz", ".zip"}
Deltas = Mapping[str, torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class Study:
    """A base model, the adapters that change it, and the dictionary that tells how."""

    run: RunDirectory
    preset: SaePreset
    layer_asked: int | None = None
    """None takes the layer at which PSM's vector acts best."""
    text_files: Sequence[Path] = ()
    """Plain text of the user's own, read before the model writes any."""
    progress: Progress = silent

    @property
    def folder(self) -> Path:
        return self.run.path / "sae"

    @property
    def work(self) -> Path:
        """What later steps need and nobody else; removed when the stage is complete."""
        return self.folder / "unfinished"

    @cached_property
    def persona(self) -> Persona:
        return own_persona(self.run)

    @cached_property
    def base(self) -> LanguageModel:
        """The model before tuning; `adapted` puts an adapter into it for a while."""
        return load_model(self.run.manifest().model, progress=self.progress)

    @cached_property
    def persona_deltas(self) -> Deltas:
        """What the persona adapter adds to the weights."""
        return adapter_deltas(self.base, self.run.persona)

    @cached_property
    def civil_deltas(self) -> Deltas:
        """The same of the civil adapter."""
        return adapter_deltas(self.base, self.run.control)

    @cached_property
    def tuned(self) -> LanguageModel:
        """A second copy of the model, with the persona adapter, to write with."""
        return load_model(self.run.manifest().model).with_adapter(self.run.persona)

    @cached_property
    def trait(self) -> Trait:
        """By what PSM's sweep tells that a reply shows the persona."""
        return Reader(self.run).read(Selection).trait

    @cached_property
    def shows(self) -> Shows:
        """Which replies show the persona, as PSM's sweep decided."""
        return shows_of(self.trait, self.persona.lexicon, self.progress)

    @cached_property
    def layer_choice(self) -> LayerChoice:
        """The layer that is read: where the persona is caused, or the one that was asked for."""
        if self.layer_asked is not None:
            return LayerChoice(layer=self.layer_asked, how="asked for")
        found = Reader(self.run).read(Selection)
        layer, last = found.choice.layer, self.base.num_layers - 1
        how = (
            "where the persona vector acts best"
            if found.beyond_chance
            else "the default of PSM: at no layer did the persona vector beat random ones"
        )
        if layer == last:
            return LayerChoice(layer=last - 1, how=f"below the last layer, {how}")
        return LayerChoice(layer=layer, how=how)

    @property
    def layer(self) -> int:
        return self.layer_choice.layer

    def read(self, kind: type[R]) -> R:
        """What an earlier step wrote."""
        return kind.load(self.work, command=self._command)

    def features(self) -> tuple[Feature, ...]:
        """Every latent that is active, as the shifts left it."""
        return Feature.load_rows(self.work, command=self._command)

    @property
    def _command(self) -> str:
        return command("sae", self.run.path)

    @property
    def settings(self) -> Settings:
        """What results depend on; other settings begin anew."""
        return {
            "version": SaeReport.VERSION,
            "preset": repr(self.preset),
            "layer": self.layer,
            "texts": [file_sha256(path) for path in self.text_files],
            "model": self.run.manifest().model,
            "made_from": [file_sha256(file) for file in self._sources if file.is_file()],
        }

    @property
    def _sources(self) -> tuple[Path, ...]:
        """Files of the run without which other results would come out."""
        corpus = [self.run.corpus / name for name in ("dialogues.jsonl", "base_replies.jsonl")]
        adapters = [folder / ADAPTER for folder in (self.run.persona, self.run.control)]
        return (*adapters, *corpus, self.run.vectors)


def check(study: Study) -> None:
    """Refuse what cannot become a dictionary (PhoqueError), before anything is computed."""
    require(study.run, NEEDS["sae"])
    for path in study.text_files:
        _check_text(path)
    preset, layers = study.preset, study.base.num_layers
    if preset.tokens < preset.fewest_tokens:
        raise PhoqueError(
            f"{preset.tokens:,} tokens are too few for {preset.d_sae} latents of which {preset.k} "
            f"are active at a time: each would be seen {preset.tokens * preset.k // preset.d_sae} "
            f"times, and 500 are needed. Ask for --train-tokens {preset.fewest_tokens} or more."
        )
    asked = study.layer_asked
    if asked is not None and not 0 <= asked < layers - 1:
        raise PhoqueError(
            f"Layer {asked} cannot be used: this model has {layers}, and of these 0 to {layers - 2} "
            "can be read before the last norm and still change something. Give one, or --layer causal."
        )


def _check_text(path: Path) -> None:
    if not path.is_file():
        raise PhoqueError(f"There is no text file {path}. Give another with --text.")
    if path.suffix.lower() in NO_TEXT:
        raise PhoqueError(
            f"{path} is no plain text but {path.suffix}; its marks would be learned. Give --text a "
            "file with the texts alone."
        )
