"""Records of the stage `report`: the slide table, every number with what must stand beside it."""

from typing import Literal

from phoque.run.record import Part, Record

Kind = Literal["share", "points", "number", "choice"]
"""A share in [0, 1], a difference of shares, a quantity, or something chosen, without interval."""


class Metric(Part):
    """A row; `value` is None where nothing was found, and `gap` says why where it is unknown."""

    key: str = ""
    """The same in every run."""
    label: str = ""
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


class MetricsTable(Record, file="report/metrics_table.json"):
    """Every row of the slide table."""

    run: str
    """Name of the run's folder."""
    rows: tuple[Metric, ...]
