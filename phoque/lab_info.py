"""What a run says of itself without its model: a page is complete before the weights are loaded."""

import json
from dataclasses import dataclass
from typing import Any

from phoque.errors import PhoqueError
from phoque.evidence.runs import RunDirectory
from phoque.personas import load_persona
from phoque.records import Condition, LabInfo


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Layer and scale that the sweep chose."""

    layer: int
    scale: float
    coherent_scale: float


@dataclass(frozen=True, kw_only=True)
class SelectionFile:
    """The selection with the facts that were true when it was made."""

    selected: Selection
    model: str
    context_length: int
    dose_per_scale: tuple[float, ...]


def read_selection(run: RunDirectory) -> SelectionFile:
    """Read what the sweep stage wrote.

    Raises:
        PhoqueError: the run has no selection yet.
    """
    if not run.selection.is_file():
        raise PhoqueError(
            f"The run {run.path} has no selected layer yet. "
            f"Choose one with: python -m training sweep --run {run.path}"
        )
    data: dict[str, Any] = json.loads(run.selection.read_text(encoding="utf-8"))
    chosen = {key: data["selected"][key] for key in Selection.__annotations__}
    return SelectionFile(
        selected=Selection(**chosen),
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
