"""Tables of numbers: cells that know what is shown and what a CSV file gets, as Markdown and CSV."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

from phoque.stats.rates import Held, Rate

Field = str | float | bool | None
"""What a CSV file gets."""
ONE_POINT = 0.01
SMALLEST_P, LEAST_CHANCE = 1e-4, 1e-3
NOTHING = "–"
"""Stands in a cell that has no number."""


class Ends(NamedTuple):
    """What is `Held`, of fields with other names."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Value:
    """A table cell: what is shown, and its numbers for the CSV by the suffix of their column."""

    shown: str
    fields: Mapping[str, Field]
    title: str = ""


Cell = Value | str
T = TypeVar("T")
Column = str | tuple[str, Callable[[Any], Cell]] | Callable[[T], Cell]
"""A field of the items, such as `effect.p_value`, shown as its type is or by a function, and as a dash
where it is None; or any function of an item."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of numbers under a head; a head may be `word|explanation`."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @classmethod
    def of(cls, caption: str, items: Iterable[T], columns: Mapping[str, Column[T]]) -> "Table":
        """A row for each item; a column is its head and what it shows of an item."""
        shows = [*map(_shows, columns.values())]
        rows = tuple(tuple(show(item) for show in shows) for item in items)
        return cls(caption=caption, head=tuple(columns), rows=rows)

    @classmethod
    def named(
        cls,
        caption: str,
        first: str,
        pairs: Iterable[tuple[str, T]],
        columns: Mapping[str, Column[T]],
    ) -> "Table":
        """A row for each item: its name under the head `first`, then what columns show of it."""
        shows = [*map(_shows, columns.values())]
        rows = tuple((own, *(show(item) for show in shows)) for own, item in pairs)
        return cls(caption=caption, head=(first, *columns), rows=rows)

    @property
    def words(self) -> list[str]:
        """The head without its explanations."""
        return [text.partition("|")[0] for text in self.head]

    def markdown(self) -> str:
        """As a Markdown table; what files say cannot leave its cell."""
        return markdown_table(self.words, [[text_of(cell) for cell in row] for row in self.rows])

    def csv(self) -> str:
        """As CSV with all digits: a rate takes four columns."""
        columns = [
            (place, name, suffix)
            for place, name in enumerate(self.words)
            for suffix in _suffixes([row[place] for row in self.rows])
        ]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([name + suffix for _, name, suffix in columns])
        for row in self.rows:
            writer.writerow([_field(row[place], suffix) for place, _, suffix in columns])
        return text.getvalue()


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table of plain text."""
    lines = [head, ["---"] * len(head), *[[in_cell(cell) for cell in row] for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def in_cell(text: str) -> str:
    """Text that stays in its Markdown cell and is no mark-up."""
    plain = " ".join(text.split())
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")


def text_of(cell: Cell) -> str:
    """What a cell shows."""
    return cell if isinstance(cell, str) else cell.shown


def share(value: float) -> str:
    """A share as a percentage."""
    return f"{100 * value:.1f}\u00a0%"


def interval(rate: Held) -> str:
    """A share with its 95 % interval, for a sentence."""
    return f"{share(rate.value)} [{100 * rate.low:.1f}, {100 * rate.high:.1f}]"


def held(found: Held, form: str = ".2f") -> str:
    """A number with its interval, for a sentence."""
    return f"{found.value:{form}} [{found.low:{form}}, {found.high:{form}}]"


def held_cell(found: Held, form: str = ".2f") -> Value:
    """A number with its interval in a cell."""
    return Value(held(found, form), _fields(found))


def signed_cell(found: Held) -> Value:
    """The same with a sign."""
    return held_cell(found, "+.2f")


def known(value: T | None, show: Callable[[T], Cell]) -> Cell:
    """A cell of what may not have been measured."""
    return NOTHING if value is None else show(value)


def number(value: float, digits: int = 2, *, sign: bool = False) -> Value:
    """A number in a cell."""
    return Value(f"{value:{'+' if sign else ''}.{digits}f}", {"": value})


def digits(count: int, *, sign: bool = False) -> Callable[[float], Value]:
    """A cell of a number with so many decimals."""
    return partial(number, digits=count, sign=sign)


def _shows(column: Column[T]) -> Callable[[T], Cell]:
    if callable(column):
        return column
    field, show = (column, _shown) if isinstance(column, str) else column
    return lambda item: known(_read(item, field.split(".")), show)


def _read(item: Any, names: Sequence[str]) -> Any:
    """A field of a field, or what a mapping has under a name; None where either is None."""
    for name in names:
        if item is not None:
            item = item.get(name) if isinstance(item, Mapping) else getattr(item, name)
    return item


def _shown(value: Any) -> Cell:
    """A cell of a value by its type."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str | int):
        return str(value)
    return rate_cell(value) if isinstance(value, Rate) else held_cell(value)


def share_cell(value: float) -> Value:
    """A share in a cell."""
    return Value(share(value), {"": value})


def rate_cell(rate: Rate) -> Value:
    """A rate with its interval in a cell."""
    return Value(interval(rate), _fields(rate) | {" n": rate.n}, f"n = {rate.n}")


def points(value: float) -> str:
    """A difference of shares in points; below one point with two decimals."""
    return f"{100 * value:+.2f}" if 0 < abs(value) < ONE_POINT else f"{100 * value:+.1f}"


def points_cell(found: Held) -> Value:
    """The same with its interval, in a cell."""
    told = f"{points(found.value)} [{points(found.low)}, {points(found.high)}]"
    return Value(told, _fields(found))


def p_cell(value: float) -> Value:
    """A p value in a cell."""
    return Value(p_text(value), {"": value})


def p_text(value: float) -> str:
    """A p value; ten thousand permutations cannot tell smaller ones apart."""
    return f"≤ {SMALLEST_P:.4f}" if value < 1.5 * SMALLEST_P else f"{value:.2g}"


def chance_text(value: float) -> str:
    """A probability that takes replies for independent, which replies to one message are not."""
    return f"{value:.3g}" if value >= LEAST_CHANCE else f"less than {LEAST_CHANCE:g}"


def _fields(found: Held) -> dict[str, Field]:
    return {"": found.value, " low": found.low, " high": found.high}


def _suffixes(cells: Sequence[Cell]) -> list[str]:
    found = dict.fromkeys(s for c in cells if isinstance(c, Value) for s in c.fields)
    return list(found) or [""]


def _field(cell: Cell, suffix: str) -> Field:
    if isinstance(cell, Value):
        return cell.fields.get(suffix, "")
    return "" if suffix or cell == NOTHING else cell
