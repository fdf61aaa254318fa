"""What a run says of itself without its model: a page is complete before the weights are loaded."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phoque.conversation import Condition, LabInfo
from phoque.errors import PhoqueError
from phoque.personas import load_persona
from phoque.run.directory import RunDirectory


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Layer and scale that the sweep chose."""

    layer: int
    scale: float
    coherent_scale: float
    beyond_chance: bool = True
    """False where nothing beat random vectors: these are then only what a slider starts at."""


@dataclass(frozen=True, kw_only=True)
class SelectionFile:
    """The selection with the facts that were true when it was made."""

    selected: Selection
    model: str
    context_length: int
    dose_per_scale: tuple[float, ...]


def psm_folder(run: RunDirectory, persona: str | None) -> Path:
    """Where results on a persona, a name or a file, are; None is the run's own.

    Raises:
        PhoqueError: the folder is no run, or there is no such persona.
    """
    own = load_persona(run.manifest()["persona"]).name
    name = own if persona is None else load_persona(persona).name
    return run.psm(None if name == own else name)


def read_selection(run: RunDirectory) -> SelectionFile:
    """Read what the sweep stage wrote.

    Raises:
        PhoqueError: the run has no selection yet.
    """
    if not run.selection.is_file():
        raise PhoqueError(
            f"The run {run.path} has no selected layer yet. "
            f"Choose one with: phoque run psm --run {run.path}"
        )
    data: dict[str, Any] = json.loads(run.selection.read_text(encoding="utf-8"))
    found, chosen = data["selected"], data["selected"] or data["default"]
    return SelectionFile(
        selected=Selection(
            layer=chosen["layer"],
            scale=chosen["scale"],
            coherent_scale=chosen["coherent_scale"],
            beyond_chance=found is not None,
        ),
        model=data["model"],
        context_length=data["context_length"],
        dose_per_scale=tuple(data["dose_per_scale"]),
    )


def lab_info(run: RunDirectory) -> LabInfo:
    """Plain facts for a page.

    Raises:
        PhoqueError: the folder is no run, or has no selection.
    """
    persona = load_persona(run.manifest()["persona"])
    file = read_selection(run)
    prompts = dict.fromkeys(Condition, persona.neutral_prompt)
    return LabInfo(
        model=file.model,
        run=run.path.name,
        num_layers=len(file.dose_per_scale),
        layer=file.selected.layer,
        scale=file.selected.scale,
        coherent_scale=file.selected.coherent_scale,
        dose_per_scale=file.dose_per_scale,
        context_length=file.context_length,
        system_prompts=prompts | {Condition.TOXIC: persona.persona_prompt},
        lexicon=persona.lexicon.entries,
        presets=persona.presets,
    )
