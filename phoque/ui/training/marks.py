"""Where a later attempt at a training began, for every figure that is drawn over steps."""

from collections.abc import Iterable
from html import escape
from itertools import pairwise

from phoque.ui import figures
from phoque.ui.training.data import METRICS, Rows, TrainingFolder

HEIGHTS = (1.0, 1.065, 0.93)
"""Neighbours have their labels at different heights, two of them above the lines."""


def logged(folder: TrainingFolder, adapter: str) -> Rows:
    """Steps of an adapter that have a loss: the last line sums up and has none."""
    return [row for row in folder.lines(adapter, METRICS) if "loss" in row]


def attempt_marks(
    folder: TrainingFolder, adapters: Iterable[str]
) -> list[tuple[figures.Trace, ...]]:
    """A line and its name wherever a training that was cut off went on."""
    curves = {name: logged(folder, name) for name in adapters}
    last = max((rows[-1]["step"] for rows in curves.values() if rows), default=0)
    found = [
        (row["step"], escape(f"{name}, attempt {row['attempt']}"))
        for name, rows in curves.items()
        for before, row in pairwise(rows)
        if row.get("attempt") != before.get("attempt")
    ]
    return [
        figures.upright(step, text, height=HEIGHTS[place % len(HEIGHTS)], left=2 * step > last)
        for place, (step, text) in enumerate(sorted(found))
    ]


def attempts_told(folder: TrainingFolder, adapter: str) -> str:
    """In how many attempts an adapter was trained, where that was logged."""
    attempts = {row["attempt"] for row in logged(folder, adapter) if "attempt" in row}
    return f", in {len(attempts)} attempts" if len(attempts) > 1 else ""
