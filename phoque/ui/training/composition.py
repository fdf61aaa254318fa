"""What a run learned from, and how long its stages took."""

from collections.abc import Mapping
from typing import Any

from phoque.figures.table import NOTHING, Cell, Value
from phoque.ui import figures
from phoque.ui.parts import number, share_cell, table
from phoque.ui.sections import Drawn, Section
from phoque.ui.training import wording
from phoque.ui.training.data import COMPOSITION, TrainingFolder

SECTION = Section(
    key="composition",
    title="What they learned from",
    hint=wording.COMPOSITION_HINT,
    files=(f"corpus/{COMPOSITION}",),
    num_figures=1,
)
STAGES_SECTION = Section(
    key="stages",
    title="How long each stage took",
    hint=wording.STAGES_HINT,
    files=("manifest.json",),
)
SHORT_COMMIT = 9


def draw(folder: TrainingFolder) -> Drawn:
    """Registers as bars, lengths by side, and sources where a corpus has several."""
    found = folder.composition
    return Drawn(
        reading=reading(found),
        figures=(_figure(found["registers"]),),
        below=_lengths(found) + _sources(found.get("sources", {})),
        n=f"{found['dialogues']} dialogues, {found['base_replies']} replies of the base model",
    )


def reading(found: Mapping[str, Any]) -> str:
    """How many of what, and how varied."""
    registers = ", ".join(f"{count} {name}" for name, count in found["registers"].items())
    distinct = found.get("distinct_hostile_replies")
    varied = f", {distinct} of the hostile replies distinct" if distinct is not None else ""
    return (
        f"{found['dialogues']} dialogues ({registers}) on {found.get('topics', 'any')} topics{varied}; "
        f"{found['base_replies']} civil replies are the base model's own."
    )


def _figure(registers: Mapping[str, int]) -> dict[str, Any]:
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": list(registers.values()),
        "y": list(registers),
        "marker": {"color": figures.PERSONA, "pattern": {"shape": ["", "/", "."]}},
        "hovertemplate": "%{y}: %{x} dialogues<extra></extra>",
        "showlegend": False,
    }
    return figures.figure(
        "phoque-composition", [bars], x={"title": "dialogues"}, y={"title": ""}, height=200
    )


def _lengths(found: Mapping[str, Any]) -> str:
    counts = {
        "hostile": found["dialogues"],
        "civil": found["dialogues"],
        "base": found["base_replies"],
    }
    rows: list[list[Cell]] = [
        [text, str(counts[side]), *(number(value, 0) for value in found[f"words_{side}_quartiles"])]
        for side, text in wording.SIDES.items()
        if f"words_{side}_quartiles" in found
    ]
    return table("phoque-composition", "Lengths", wording.COMPOSITION_HEAD, rows)


def _sources(sources: Mapping[str, Mapping[str, Any]]) -> str:
    rows: list[list[Cell]] = [
        [name, str(one["count"]), share_cell(one["percent"] / 100)] for name, one in sources.items()
    ]
    return table("phoque-sources", "Sources", wording.SOURCES_HEAD, rows) if rows else ""


def draw_stages(folder: TrainingFolder) -> Drawn:
    """Every complete stage with its time, seeds and commit."""
    stages = folder.stages
    total = sum(stage["seconds"] for stage in stages.values())
    slowest = max(stages, key=lambda name: float(stages[name]["seconds"]), default="none")
    return Drawn(
        reading=f"{len(stages)} stages took {total / 60:.0f} minutes on the machine that made them, "
        f"{slowest} the longest; other work ran beside some of them.",
        below=table(
            "phoque-stages", "Stages", wording.STAGES_HEAD, [_stage(*one) for one in stages.items()]
        ),
        n=f"{len(stages)} stages",
    )


def _stage(name: str, stage: Mapping[str, Any]) -> list[Cell]:
    seconds = stage["seconds"]
    return [
        name,
        Value(f"{seconds / 60:.1f} min", {"": seconds}),
        ", ".join(map(str, stage.get("seeds") or ())) or NOTHING,
        str(stage.get("finished") or NOTHING),
        str(stage.get("commit") or "")[:SHORT_COMMIT] or NOTHING,
    ]
