"""One number of the slide table with all that must stand beside it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from phoque.errors import PhoqueError
from phoque.report.artefacts import Artefacts, Value

Kind = Literal["share", "points", "number", "choice"]
"""A share in [0, 1], a difference of shares, a quantity, or something chosen, without interval."""
SMALL, SMALL_POINTS = 0.1, 0.01
"""Quantities and differences of shares below are shown with more digits."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A row; `value` is None where nothing was found, and `gap` says why where it is unknown."""

    key: str
    """The same in every run."""
    label: str
    kind: Kind = "number"
    value: float | None = None
    low: float | None = None
    high: float | None = None
    """95 % interval."""
    n: int | None = None
    of: str = ""
    """What n counts."""
    file: str = ""
    at: str = ""
    """Key in the file."""
    note: str = ""
    gap: str = ""


Row = Callable[[Artefacts], Metric]


def filled(row: Row, artefacts: Artefacts, *, key: str, label: str) -> Metric:
    """The row, or one that says what is missing."""
    try:
        return replace(row(artefacts), key=key)
    except PhoqueError as error:
        return Metric(key=key, label=label, gap=str(error))


def rate(label: str, found: Value, *, of: str = "replies", note: str = "") -> Metric:
    """A share with its interval, as `phoque.stats.rates.Rate` is written."""
    n = found.at("n").number
    return _checked(Metric(key="", label=label, kind="share", note=note, of=of), found, int(n))


def effect(label: str, found: Value, *, kind: Kind = "points", note: str = "") -> Metric:
    """A paired difference, as `phoque.stats.paired.Effect` is written; n counts prompts."""
    row = Metric(key="", label=label, kind=kind, of="prompts")
    row = _checked(row, found, int(found.at("prompts").number))
    told = f"p {found.at('p_value').number:.2g} (sign flips)"
    if row.low == row.high:
        told = "every prompt gave the same, so the bootstrap has no width"
    return replace(row, note="; ".join(filter(None, [note, told])))


def _checked(row: Metric, found: Value, n: int) -> Metric:
    value, low, high = (found.at(name).number for name in ("value", "low", "high"))
    if not low - 1e-9 <= value <= high + 1e-9 or n < 1:
        raise PhoqueError(
            f"{found.file} has {value:g} outside its interval [{low:g}, {high:g}] or n = {n} in "
            f"{found.key}. Make it again with: {found.command}"
        )
    return replace(row, value=value, low=low, high=high, n=n, file=found.file, at=found.key)


UNITS: dict[Kind, str] = {"share": " %", "points": " points", "number": "", "choice": ""}


def shown(value: float, kind: Kind) -> str:
    """A value with the unit of its kind."""
    return _digits(value, kind) + UNITS[kind]


def interval(low: float | None, high: float | None, kind: Kind) -> str:
    """An interval in the same unit, which is not said again; or a dash."""
    if low is None or high is None:
        return "–"
    return f"[{_digits(low, kind)}, {_digits(high, kind)}]"


def _digits(value: float, kind: Kind) -> str:
    if kind == "share":
        return f"{100 * value:.1f}"
    if kind == "points":
        return f"{100 * value:+.2f}" if 0 < abs(value) < SMALL_POINTS else f"{100 * value:+.1f}"
    if kind == "choice":
        return f"{value:g}"
    return f"{value:.3g}" if abs(value) < SMALL else f"{value:.2f}"
