"""All sections of the tab in order; a section that cannot be drawn says why and stops no other."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from phoque.errors import PhoqueError
from phoque.ui.psm import (
    conditions,
    dose,
    geometry,
    heatmap,
    identity,
    layers,
    origin,
    remedies,
    scrubber,
    verdict,
)
from phoque.ui.psm.data import Provenance, PsmFolder, Shape, provenance
from phoque.ui.psm.parts import Drawn, Section, drawer, head

Draw = Callable[[PsmFolder], Drawn]
SECTIONS: tuple[tuple[Section, Draw], ...] = (
    (verdict.SECTION, verdict.draw),
    (scrubber.SECTION, scrubber.draw),
    (layers.SECTION, layers.draw),
    (heatmap.SECTION, heatmap.draw),
    (dose.SECTION, dose.draw),
    (conditions.SECTION, conditions.draw),
    (identity.CONFOUND_SECTION, identity.draw_confounds),
    (identity.RELIABILITY_SECTION, identity.draw_reliability),
    (origin.SECTION, origin.draw),
    (geometry.SECTION, geometry.draw),
    (remedies.ANTIDOTE_SECTION, remedies.draw_antidotes),
    (remedies.BIAS_SECTION, remedies.draw_bias),
)
KEPT = 8
"""Pages that are kept: one a persona, for all visitors."""


@dataclass(frozen=True)
class Rendered:
    """One section as a page takes it."""

    head: str
    figures: tuple[str | None, ...]
    """Plotly's JSON; None where there is no figure."""
    tail: str


def rendered(folder: PsmFolder) -> tuple[Rendered, ...]:
    """Every section in the order of `SECTIONS`; drawn again when a file changes."""
    return _rendered(folder, folder.stamp)


@lru_cache(maxsize=KEPT)
def _rendered(folder: PsmFolder, _stamp: object) -> tuple[Rendered, ...]:
    source = provenance(folder)
    return tuple(
        _section(section, safely(section, draw, folder), folder, source=source)
        for section, draw in SECTIONS
    )


def safely(section: Section, draw: Draw, folder: PsmFolder) -> Drawn:
    """A section, or the sentence that says what is missing or broken."""
    try:
        return draw(folder)
    except PhoqueError as gap:
        return Drawn(reading=str(gap), failed=True)
    except Shape as error:
        # A file of another version: any lookup in it may fail, and all mean the same to a visitor.
        return Drawn(reading=folder.broken(" or ".join(section.files), error), failed=True)


def _section(section: Section, drawn: Drawn, folder: PsmFolder, *, source: Provenance) -> Rendered:
    missing = section.num_figures - len(drawn.figures)
    return Rendered(
        head=head(section, drawn, folder),
        figures=(*(json.dumps(figure) for figure in drawn.figures), *[None] * missing),
        tail=drawn.below + drawer(source, section, folder, drawn.n),
    )
