"""Rows of the slide table: how they are filled, and how their numbers are shown."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from phoque.errors import PhoqueError
from phoque.figures import figure
from phoque.figures.figure import Shape
from phoque.run.folder import Reader
from phoque.run.report import Kind, Metric
from phoque.stats.paired import Effect
from phoque.stats.rates import Held, Rate

ROUNDING = 1e-9


@dataclass(frozen=True)
class Entry:
    key: str
    label: str
    """Its name, where the record does not say a better one."""
    needs: figure.Kind
    row: Callable[[Any], Metric]
    """Gets the record, or all rows, that it `needs`."""


def filled(entry: Entry, reader: Reader, read: Callable[[figure.Kind], Any]) -> Metric:
    """The row, or one that says what is missing."""
    folder = reader.folder(entry.needs.STAGE)
    file = f"{folder.name}/{entry.needs.FILE}"
    again = f"Make it again with: {folder.command}"
    try:
        row = _checked(entry.row(read(entry.needs)))
    except PhoqueError as error:
        gap = str(error)
    except KeyError as error:
        gap = f"{file} has no {error.args[0]}. {again}"
    except Shape as error:
        gap = f"{file} has no such number ({type(error).__name__}: {error}). {again}"
    else:
        known = {"key": entry.key, "label": row.label or entry.label, "file": file}
        return row.model_copy(update=known)
    return Metric(key=entry.key, label=entry.label, gap=gap)


def held(found: Held, n: int, of: str, at: str, kind: Kind = "number", **told: str) -> Metric:
    """A number with its interval; `told` are label and note."""
    known = {"value": found.value, "low": found.low, "high": found.high, "n": n}
    return Metric(of=of, at=at, kind=kind).model_copy(update=known | told)


def rate(found: Rate, at: str, **told: str) -> Metric:
    """A share of replies with its interval."""
    return held(found, found.n, "replies", at, "share", **told)


def effect(found: Effect, at: str, note: str = "", **told: str) -> Metric:
    """A paired difference of shares; n counts prompts."""
    tested = f"p {found.p_value:.2g} (sign flips)"
    if found.low == found.high:
        tested = "every prompt gave the same, so the bootstrap has no width"
    note = "; ".join(filter(None, [note, tested]))
    return held(found, found.prompts, "prompts", at, "points", note=note, **told)


def _checked(row: Metric) -> Metric:
    if row.value is None or row.low is None or row.high is None:
        return row
    if not row.low - ROUNDING <= row.value <= row.high + ROUNDING or not row.n:
        interval = f"its interval [{row.low:g}, {row.high:g}] or n = {row.n}"
        raise ValueError(f"{row.value:g} outside {interval} in {row.at}")
    return row
