"""A figure of the report with the sentence that its numbers say."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from phoque.errors import PhoqueError
from phoque.report.artefacts import Artefacts
from phoque.report.plots import Figure

Shape = (KeyError, TypeError, IndexError, ValueError, AttributeError, ZeroDivisionError)
"""What numbers of another shape than expected raise."""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What is drawn of a run."""

    sentence: str
    """Computed from the data."""
    n: str
    figure: Figure


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A figure every run has, if its stages are complete."""

    name: str
    """File name without its ending."""
    title: str
    files: tuple[str, ...]
    """Where its numbers come from, by their paths in the run."""
    draw: Callable[[Artefacts], Drawing]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A figure, or the reason why there is none."""

    name: str
    title: str
    files: tuple[str, ...]
    sentence: str = ""
    n: str = ""
    figure: Figure = field(default_factory=dict)
    gap: str = ""


def drawn(plan: Plan, artefacts: Artefacts) -> Chart:
    """The chart, or what is missing for it."""
    blank = Chart(name=plan.name, title=plan.title, files=plan.files)
    try:
        found = plan.draw(artefacts)
    except PhoqueError as error:
        return replace(blank, gap=str(error))
    except Shape as error:
        kind, commands = type(error).__name__, "; ".join(map(artefacts.command, plan.files))
        told = f"{', '.join(plan.files)} cannot be drawn ({kind}: {error}). They may come from "
        return replace(blank, gap=f"{told}another version. Make them again with: {commands}")
    found.figure["layout"]["title"] = {"text": plan.title, "subtitle": {"text": found.n}}
    files = tuple(file for file in plan.files if artefacts.has(file))
    return replace(blank, files=files, sentence=found.sentence, n=found.n, figure=found.figure)
