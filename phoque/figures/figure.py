"""What a figure is: drawn once from records, shown by a tab, a report, an HTML page and a PNG."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from phoque.errors import PhoqueError
from phoque.figures.style import Plotly
from phoque.figures.table import Table
from phoque.run.folder import Reader
from phoque.run.record import Record, Row

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
    needs: tuple[type[Record] | type[Row], ...]
    """Records it is drawn from; a `Row` type stands for all rows of its file."""
    also: tuple[type[Row], ...] = ()
    """Rows that a run may have; none where there is no such file."""
    draw: Callable[..., Figure]
    """Gets what `needs` and `also` name, in order."""
    in_report: bool = False
    """Whether the report has it, too."""
    shown_if: Callable[[Reader], str] = field(default=lambda _: "")
    """Why this run has no such figure at all; empty where it should have one."""

    @property
    def stage(self) -> str:
        """Folder of the stage whose figure it is."""
        return self.needs[0].STAGE

    def sources(self, reader: Reader) -> tuple[str, ...]:
        """Its files, by their paths in the run."""
        also = [kind for kind in self.also if reader.folder(kind.STAGE).has(kind.FILE)]
        kinds = (*self.needs, *also)
        return tuple(reader.folder(kind.STAGE).named(kind.FILE) for kind in kinds)


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
    sources = plan.sources(reader)
    try:
        if gap := plan.shown_if(reader):
            return Drawn(plan=plan, gap=gap, sources=sources)
        needed = [read_any(kind, reader) for kind in plan.needs]
        found = plan.draw(*needed, *(_read_if_there(kind, reader) for kind in plan.also))
    except PhoqueError as error:
        return Drawn(plan=plan, gap=str(error), sources=sources)
    except Shape as error:
        told = f"{', '.join(sources)} cannot be drawn ({type(error).__name__}: {error}). "
        gap = f"{told}Make it again with: {reader.folder(plan.stage).command}"
        return Drawn(plan=plan, gap=gap, sources=sources)
    return Drawn(plan=plan, figure=found, sources=sources)


def read_any(kind: type[Record] | type[Row], reader: Reader) -> Any:
    """A record, or all rows of a file."""
    return reader.rows(kind) if issubclass(kind, Row) else reader.read(kind)


def _read_if_there(kind: type[Row], reader: Reader) -> Sequence[Row]:
    return reader.rows(kind) if reader.folder(kind.STAGE).has(kind.FILE) else ()
