"""What a figure is: drawn once from records, shown by a tab, a report, an HTML page and a PNG."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from inspect import signature
from typing import Any, get_args

from phoque.errors import PhoqueError
from phoque.figures.style import Plotly
from phoque.figures.table import Table
from phoque.run.folder import Reader
from phoque.run.info import runs_beside
from phoque.run.record import Record, Row

Kind = type[Record] | type[Row]
OWN = "psm"
"""Folder of what was measured of the run's own persona; others have one beside it."""
Shape = (KeyError, TypeError, IndexError, ValueError, AttributeError, ZeroDivisionError)
"""What numbers of another shape than expected raise, such as a sweep without cells."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What the records say, as one sentence, one picture and one table."""

    sentence: str
    """Computed from the records."""
    finding: str = ""
    """The same in one plain sentence, for a figure that opens its tab."""
    plotly: Plotly | None = None
    """Data and layout as Plotly takes them; None where the sentence is all."""
    table: Table | None = None
    """All numbers of the picture."""
    setting: str = ""
    """How its replies were made: prompts, dose, decoding, and who counted them. A share means nothing without."""
    n: str = ""
    """What was counted."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A figure that every run has, if its stages are complete."""

    key: str
    """The same on the page, in the report and as a file name."""
    title: str
    hint: str = ""
    """How to read it."""
    draw: Callable[..., Figure]
    """Gets what its arguments are typed as: a record, or the rows of a file as a sequence. What has a
    default a run may lack. A keyword `personas` gets the record of this run's persona and of those beside it, by name."""
    in_report: bool = False
    """Whether the report has it, too."""
    shown_if: Callable[[Reader], str] = lambda _: ""
    """Why this run has no such figure at all; empty where it should have one."""

    def __call__(self, *found: Any) -> Figure:
        """The figure of what it takes."""
        return self.draw(*found)

    @cached_property
    def takes(self) -> dict[Kind, bool]:
        """What it is drawn from, in order, and whether a run must have it."""
        parameters = signature(self.draw).parameters.values()
        asked = [one for one in parameters if one.kind is not one.KEYWORD_ONLY]
        kinds = (get_args(one.annotation) or (one.annotation,) for one in asked)
        return {kind[0]: one.default is one.empty for kind, one in zip(kinds, asked, strict=True)}

    @property
    def compares(self) -> bool:
        """Whether personas of runs beside this one are drawn, too."""
        return "personas" in signature(self.draw).parameters

    @property
    def needs(self) -> tuple[Kind, ...]:
        return tuple(kind for kind, needed in self.takes.items() if needed)

    @property
    def stage(self) -> str:
        """Folder of the stage whose figure it is."""
        return self.needs[0].STAGE

    def sources(self, reader: Reader) -> tuple[str, ...]:
        """Its files, by their paths in the run."""
        return tuple(
            reader.folder(kind.STAGE).named(kind.FILE)
            for kind, needed in self.takes.items()
            if needed or _is_there(kind, reader)
        )


def plan(**facts: Any) -> Callable[[Callable[..., Figure]], Plan]:
    """Makes a plan of the function that draws it; `facts` are the other fields of `Plan`."""
    return lambda draw: Plan(draw=draw, **facts)


def there_is(
    kind: Kind, *, otherwise: str, command: Callable[[Reader], str] | None = None
) -> Callable[[Reader], str]:
    """For `shown_if`: whether a run has the file, and what it says otherwise, before the command that makes it."""

    def gap(reader: Reader) -> str:
        folder = reader.folder(kind.STAGE)
        if folder.has(kind.FILE):
            return ""
        return f"{otherwise} {command(reader) if command else folder.command}"

    return gap


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A plan with its figure, or with the reason why there is none."""

    plan: Plan
    figure: Figure | None = None
    gap: str = ""
    """What is missing or broken, and the command that makes it."""
    sources: tuple[str, ...] = ()


def drawn(plan: Plan, reader: Reader) -> Drawn:
    """Draw a figure of a run; one that cannot be drawn says why and stops no other."""
    if plan.stage != OWN:  # such a figure is of the run's own persona, whatever else it reads
        reader = replace(reader, psm=OWN)
    sources, figure = plan.sources(reader), None
    try:
        if not (gap := plan.shown_if(reader)):
            found = (read_any(kind, reader, must=needed) for kind, needed in plan.takes.items())
            more = {"personas": _personas(plan.needs[0], reader)} if plan.compares else {}
            figure = plan.draw(*found, **more)
    except PhoqueError as error:
        gap = str(error)
    except Shape as error:
        told = f"{', '.join(sources)} cannot be drawn ({type(error).__name__}: {error}). "
        gap = f"{told}Make it again with: {reader.folder(plan.stage).command}"
    return Drawn(plan=plan, figure=figure, gap=gap, sources=sources)


def read_any(kind: Kind, reader: Reader, *, must: bool = True) -> Any:
    """A record, or all rows of a file; no rows where there need be no file.

    What was measured of the run's own persona says nothing of another one, so there it is left out.
    """
    if not must and not _is_there(kind, reader):
        return ()
    return reader.rows(kind) if issubclass(kind, Row) else reader.read(kind)


def _is_there(kind: Kind, reader: Reader) -> bool:
    """Whether the run has the file, and the file is about the reader's persona."""
    return OWN in (reader.psm, kind.STAGE) and reader.folder(kind.STAGE).has(kind.FILE)


def _personas(kind: Kind, reader: Reader) -> dict[str, Any]:
    """The record of this run's persona, then of others in runs of the same model; a run without it is left out."""
    found: dict[str, Any] = {}
    if not issubclass(kind, Record) or reader.folder(kind.STAGE).name != kind.STAGE:
        return found  # of another persona that was looked at in this run, and that no run was trained for
    own = reader.run.known()
    found[own.persona] = reader.read(kind)  # first, also where the file of its persona is gone
    for run, persona in runs_beside(reader.run):
        same = run.path.resolve() == reader.run.path.resolve()
        if not same and persona not in found and run.known().model == own.model:
            with suppress(PhoqueError):
                found[persona] = Reader(run, signed=reader.signed).read(kind)
    return found
