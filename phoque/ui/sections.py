"""A tab of results is a list of sections; one that cannot be drawn says why and stops no other."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

from phoque.errors import PhoqueError
from phoque.ui import wording
from phoque.ui.folder import Shape, StageFolder


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One section of the page."""

    reading: str
    """One sentence computed from the data."""
    figures: tuple[dict[str, Any], ...] = ()
    above: str = ""
    """HTML between the reading and the figures."""
    below: str = ""
    """HTML under the figures."""
    n: str = ""
    """What was counted, for the drawer."""
    failed: bool = False
    """The reading says what is missing or broken."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """What a section is called and read from."""

    key: str
    title: str
    hint: str
    files: tuple[str, ...]
    num_figures: int = 0


Draw = Callable[[Any], Drawn]
"""Draws a section from its stage's folder."""
KEPT = 16
"""Pages that are kept, for all visitors."""


@dataclass(frozen=True)
class Rendered:
    """One section as a page takes it."""

    head: str
    figures: tuple[str | None, ...]
    """Plotly's JSON; None where there is no figure."""
    tail: str


def rendered(
    sections: tuple[tuple[Section, Draw], ...], folder: StageFolder
) -> tuple[Rendered, ...]:
    """Every section in order; drawn again when a file changes."""
    return _kept(sections, folder, folder.stamp)


@lru_cache(maxsize=KEPT)
def _kept(
    sections: tuple[tuple[Section, Draw], ...], folder: StageFolder, _stamp: object
) -> tuple[Rendered, ...]:
    facts = folder.facts()
    return tuple(
        _rendered(section, safely(section, draw, folder), folder, facts)
        for section, draw in sections
    )


def safely(section: Section, draw: Draw, folder: StageFolder) -> Drawn:
    """A section, or the sentence that says what is missing or broken."""
    try:
        return draw(folder)
    except PhoqueError as gap:
        return Drawn(reading=str(gap), failed=True)
    except Shape as error:
        # A file of another version: any lookup in it may fail, and all mean the same to a visitor.
        return Drawn(reading=folder.broken(" or ".join(section.files), error), failed=True)


def _rendered(
    section: Section, drawn: Drawn, folder: StageFolder, facts: Mapping[str, str]
) -> Rendered:
    missing = section.num_figures - len(drawn.figures)
    return Rendered(
        head=_head(section, drawn, folder),
        figures=(*(json.dumps(figure) for figure in drawn.figures), *[None] * missing),
        tail=drawn.below + _drawer(section, folder, {**facts, "Counted": drawn.n or "–"}),
    )


def _head(section: Section, drawn: Drawn, folder: StageFolder) -> str:
    """Heading, chip, hint and reading."""
    tone = "ph-reading ph-gap" if drawn.failed else "ph-reading"
    return (
        f'<section class="ph-section-head"><div class="ph-section-title">'
        f"<h2>{escape(section.title)}</h2>{chip(folder)}</div>"
        f'<p class="ph-hint">{escape(section.hint)}</p>'
        f'<p class="{tone}">{escape(drawn.reading)}</p>{drawn.above}</section>'
    )


def chip(folder: StageFolder) -> str:
    """Whose numbers these are."""
    text = wording.SHIPPED if folder.is_shipped else wording.OTHER_RUN.format(folder.run.path.name)
    if folder.is_unfinished:
        text += wording.UNFINISHED
    return f'<span class="ph-runchip">{escape(text)}</span>'


def _drawer(section: Section, folder: StageFolder, facts: Mapping[str, str]) -> str:
    """Where a section's figures come from, folded."""
    files = ", ".join(map(folder.named, section.files))
    told = {**facts, "Files": files, "Command": folder.command}
    rows = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in told.items())
    return (
        f'<details class="ph-drawer"><summary>{escape(wording.PROVENANCE)}</summary>'
        f"<dl>{rows}</dl></details>"
    )
