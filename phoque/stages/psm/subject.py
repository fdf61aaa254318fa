"""What a PSM run looks at: one persona, the model that shows it, and where results go."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from phoque.conversation import Messages, asked
from phoque.judging.headline import shows_of
from phoque.models.hooks import Injection
from phoque.models.load import LanguageModel, load_model
from phoque.opening import load_tuned
from phoque.personas import Persona, load_persona
from phoque.personas.controls import more_probes
from phoque.run.directory import VECTORS, RunDirectory
from phoque.run.folder import Reader
from phoque.run.info import psm_folder
from phoque.run.needs import NEEDS, OTHER_PERSONA, require
from phoque.run.psm import Choice, Selection
from phoque.stages.corpus.training_set import known_words
from phoque.steering.capture import residual_streams
from phoque.steering.experiment import Progress
from phoque.steering.search import Shows
from phoque.steering.vectors import (
    Contrast,
    PersonaVectors,
    SteeringVector,
    contrast,
    fingerprint_of,
)

SEEDS = (42, 43, 44)
NUM_PROBES = 12


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One persona in one model.

    The run's own persona is looked at in the tuned model; any other one in the base model, which
    has only read about it in a system prompt.
    """

    run: RunDirectory
    folder: Path
    """Where results go."""
    persona: Persona
    is_tuned: bool
    """Whether the model was tuned for this persona."""
    model: LanguageModel
    fingerprint: Mapping[str, str]
    seeds: Sequence[int]
    num_probes: int
    progress: Progress

    @cached_property
    def base(self) -> LanguageModel:
        return load_model(self.run.manifest().model) if self.is_tuned else self.model

    @cached_property
    def civil(self) -> LanguageModel:
        """The base model with the civil adapter."""
        return load_model(self.run.manifest().model).with_adapter(self.run.control)

    @cached_property
    def vocabulary(self) -> Collection[str]:
        """Words that count as words."""
        return known_words(self.model, self.run.corpus)

    @property
    def probes(self) -> tuple[str, ...]:
        """The messages the vector is measured on: the persona's own, or those and 68 more."""
        return self.all_probes[: self.num_probes]

    @property
    def all_probes(self) -> tuple[str, ...]:
        """The persona's own probes first, then those that all personas share."""
        return (*self.persona.probes, *(p for p in more_probes() if p not in self.persona.probes))

    @cached_property
    def contrast(self) -> Contrast:
        """All probes under both system prompts."""
        return contrast(self.model, self.persona, self.all_probes)

    @cached_property
    def neutral_tokens(self) -> Tensor:
        """States_LTD of all tokens T of the neutral probes, without the first, an attention sink."""
        streams = residual_streams(self.model, self.neutral(self.probes))
        return torch.cat([stream_LSD[:, 1:] for stream_LSD in streams], dim=1)

    @cached_property
    def vectors(self) -> PersonaVectors:
        """What the first step measured."""
        return PersonaVectors.load(self.folder / VECTORS)

    @property
    def reader(self) -> Reader:
        """Reads what the earlier steps wrote."""
        return Reader(self.run, psm=self.folder.name)

    @cached_property
    def selection(self) -> Selection:
        return self.reader.read(Selection)

    @cached_property
    def shows(self) -> Shows:
        """Which replies show the persona, as the sweep decided."""
        return shows_of(self.selection.trait, self.persona.lexicon, self.progress)

    @property
    def choice(self) -> Choice:
        """The selected layer and scale; the default where nothing was beyond chance."""
        return self.selection.choice

    @property
    def layer(self) -> int:
        return self.choice.layer

    @property
    def scale(self) -> float:
        return self.choice.scale

    @property
    def vector(self) -> SteeringVector:
        """The vector of the selected layer."""
        return self.vectors[self.layer]

    @property
    def injection(self) -> Injection:
        """The vector at the selected scale."""
        return self.vector.injection(self.scale)

    def neutral(self, prompts: Sequence[str]) -> list[Messages]:
        """Prompts under the neutral system prompt."""
        return list(asked(self.persona.neutral_prompt, prompts))

    def hostile(self, prompts: Sequence[str]) -> list[Messages]:
        """Prompts under the persona's system prompt."""
        return list(asked(self.persona.persona_prompt, prompts))


def open_subject(
    run: RunDirectory,
    name: str | None,
    *,
    seeds: Sequence[int] = SEEDS,
    num_probes: int = NUM_PROBES,
    progress: Progress = print,
) -> Subject:
    """Load a run's model and the persona `name`, None is the run's own; PhoqueError without one."""
    folder = psm_folder(run, name)
    is_tuned = folder == run.psm()
    require(run, NEEDS["psm"] if is_tuned else OTHER_PERSONA)
    if is_tuned:
        tuned = load_tuned(run, progress=progress)
        model, persona, fingerprint = tuned.model, tuned.persona, tuned.fingerprint
    else:
        model = load_model(run.manifest().model, progress=progress)
        persona = load_persona(str(name))
        fingerprint = fingerprint_of(model, persona, model=model.digest(), adapter=None)
    return Subject(
        run=run,
        folder=folder,
        persona=persona,
        is_tuned=is_tuned,
        model=model,
        fingerprint=fingerprint,
        seeds=tuple(seeds),
        num_probes=num_probes,
        progress=progress,
    )
