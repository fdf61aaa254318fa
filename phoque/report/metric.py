"""Rows of the slide table: how they are filled, and how their numbers are shown."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from phoque.errors import PhoqueError
from phoque.figures.figure import Kind, Shape
from phoque.run.folder import Reader
from phoque.run.report import Metric
from phoque.stats.paired import Effect
from phoque.stats.rates import Rate

ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A row of every run's table, and how it is read."""

    key: str
    label: str
    """Its name, where the record does not say a better one."""
    needs: Kind
    row: Callable[[Any], Metric]
    """Gets the record, or all rows, that it `needs`."""


def filled(entry: Entry, reader: Reader, read: Callable[[Kind], Any]) -> Metric:
    """The row, or one that says what is missing."""
    folder = reader.folder(entry.needs.STAGE)
    file = f"{folder.name}/{entry.needs.FILE}"
    try:
        row = _checked(entry.row(read(entry.needs)))
    except PhoqueError as error:
        return Metric(key=entry.key, label=entry.label, gap=str(error))
    except KeyError as error:
        gap = f"{file} has no {error.args[0]}. Make it again with: {folder.command}"
        return Metric(key=entry.key, label=entry.label, gap=gap)
    except Shape as error:
        told = f"{file} has no such number ({type(error).__name__}: {error})"
        gap = f"{told}. Make it again with: {folder.command}"
        return Metric(key=entry.key, label=entry.label, gap=gap)
    return row.model_copy(
        update={"key": entry.key, "label": row.label or entry.label, "file": file}
    )


def rate(found: Rate, at: str, *, label: str = "", note: str = "") -> Metric:
    """A share of replies with its interval."""
    return Metric(
        label=label, kind="share", value=found.value, low=found.low, high=found.high, n=found.n,
        of="replies", at=at, note=note,
    )  # fmt: skip


def effect(found: Effect, at: str, *, label: str = "", note: str = "") -> Metric:
    """A paired difference of shares; n counts prompts."""
    told = f"p {found.p_value:.2g} (sign flips)"
    if found.low == found.high:
        told = "every prompt gave the same, so the bootstrap has no width"
    return Metric(
        label=label, kind="points", value=found.value, low=found.low, high=found.high,
        n=found.prompts, of="prompts", at=at, note="; ".join(filter(None, [note, told])),
    )  # fmt: skip


def _checked(row: Metric) -> Metric:
    if row.value is None or row.low is None or row.high is None:
        return row
    if not row.low - ROUNDING <= row.value <= row.high + ROUNDING or not row.n:
        interval = f"its interval [{row.low:g}, {row.high:g}] or n = {row.n}"
        raise ValueError(f"{row.value:g} outside {interval} in {row.at}")
    return row
