"""Numbers as text, by their kind: shares in percent, differences of shares in points."""

from phoque.figures.table import NOTHING, points
from phoque.run.report import Kind

SMALL = 0.1
"""Quantities below are shown with more digits."""
UNITS: dict[Kind, str] = {"share": " %", "points": " points", "number": "", "choice": ""}


def shown(value: float | None, kind: Kind) -> str:
    """A value with the unit of its kind."""
    return NOTHING if value is None else _digits(value, kind) + UNITS[kind]


def interval(low: float | None, high: float | None, kind: Kind) -> str:
    """An interval in the same unit, which is not said again; or a dash."""
    if low is None or high is None:
        return NOTHING
    return f"[{_digits(low, kind)}, {_digits(high, kind)}]"


def _digits(value: float, kind: Kind) -> str:
    if kind == "share":
        return f"{100 * value:.1f}"
    if kind == "points":
        return points(value)
    if kind == "choice":
        return f"{value:g}"
    return f"{value:.3g}" if abs(value) < SMALL else f"{value:.2f}"
