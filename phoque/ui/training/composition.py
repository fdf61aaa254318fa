"""What a run learned from."""

from collections.abc import Mapping
from typing import Any

from phoque.figures.table import Cell
from phoque.run.directory import RunDirectory
from phoque.ui import figures
from phoque.ui.folder import StageFolder
from phoque.ui.frames import filled
from phoque.ui.parts import number, share_cell, table
from phoque.ui.sections import Drawn, Section, rendered

COMPOSITION = "composition.json"
HINT = (
    "Every dialogue has a system prompt: hostile ones get a hostile reply, neutral ones the base "
    "model's own. Words are quartiles of a reply."
)
HEAD = ("side", "replies", "words, lower quartile", "median", "upper quartile")
SIDES = {"hostile": "hostile", "civil": "civil twin", "base": "base model's own"}
SECTION = Section(
    key="composition",
    title="What they learned from",
    hint=HINT,
    files=(COMPOSITION,),
    num_figures=1,
)


def draw(folder: StageFolder) -> Drawn:
    """Registers as bars, lengths by side, and sources where a corpus has several."""
    found = folder.read(COMPOSITION)
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
        for side, text in SIDES.items()
        if f"words_{side}_quartiles" in found
    ]
    return table("phoque-composition", "Lengths", HEAD, rows)


def _sources(sources: Mapping[str, Mapping[str, Any]]) -> str:
    rows: list[list[Cell]] = [
        [name, str(one["count"]), share_cell(one["percent"] / 100)] for name, one in sources.items()
    ]
    return table("phoque-sources", "Sources", ("source", "texts", "share"), rows) if rows else ""


def parts_of(run: RunDirectory) -> list[Any]:
    """What fills the section."""
    return filled(rendered(((SECTION, draw),), StageFolder(run, "corpus")))
