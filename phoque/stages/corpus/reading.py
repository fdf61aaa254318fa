"""Rows of a corpus, one at a time: tables and JSON, plain or gzipped, and sets on the Hub.

Memory stays constant however long the file is. A row that is not as its schema says is counted
under a reason and left out; a file without the schema's columns is another file, and refused.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from math import isfinite, nan
from pathlib import Path
from typing import Any, TypeVar

import datasets

from phoque.errors import PhoqueError
from phoque.inputs.forms import PACKED, SUFFIXES, found, rows, suffix, table
from phoque.inputs.opened import Input, recognised, share_of, told_when_cut_off
from phoque.inputs.rows import ABSENT, damage, named
from phoque.inputs.rows import Row as Found
from phoque.inputs.values import NOT_JSON
from phoque.progress import watched

Row = Mapping[str, Any]
T = TypeVar("T")
Schema = tuple[str, ...]
"""Columns that a row must have; it may have more."""
HUB = "hub:"
MALFORMED = "malformed: "
NOT_JSON_OBJECT = "not a JSON object"
NOT_UTF8 = "\ufffd"
MOST_NAMED = 10
"""Broken rows of a kind that are named by their lines; all are counted."""


class Dropped(Counter[str]):
    """Rows left out, by reason, and where in a file those stand that could not be read."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, list[str]] = {}
        """By reason the first places, such as "train.csv, line 7"."""


class MalformedRowError(ValueError):
    """A row that is not as its schema says; the message is the reason it is counted under."""


def read_rows(where: str, schemas: Sequence[Schema], dropped: Dropped) -> Iterator[Row]:
    """Rows that have all columns of one of the `schemas`, the forms in which the source is published.

    `where` is a file, or `hub:NAME` for a set of the Hub (its train split) or a local copy of one.
    PhoqueError where it cannot be read or is another file; names the columns seen and expected.
    """
    if where.startswith(HUB):
        yield from _with_columns(_hub_rows(where.removeprefix(HUB)), where, schemas, dropped)
        return
    path = _known(where)
    with path.open("rb") as stream, told_when_cut_off(where):
        read = _objects(recognised(stream, path.name), schemas, dropped)
        shown = watched(read, f"read {path.name}", share=share_of(stream))
        yield from _with_columns(shown, where, schemas, dropped)


def check_place(where: str) -> None:
    """PhoqueError where there is no such file, or one of no known kind; nothing is read."""
    if not where.startswith(HUB):
        _known(where)


def converted(rows: Iterator[Row], convert: Callable[[Row], T], dropped: Dropped) -> Iterator[T]:
    """What `convert` makes of every row; rows of which it cannot make anything are counted."""
    for row in rows:
        try:
            yield convert(row)
        except MalformedRowError as error:
            dropped[f"{MALFORMED}{error}"] += 1


def text_in(row: Row, column: str) -> str:
    """The text in a column; MalformedRowError where there is none, or bytes that are no UTF-8."""
    value = row.get(column)
    if not isinstance(value, str) or not value.strip() or value.strip() in ABSENT:
        raise MalformedRowError(f"no {column}")
    if NOT_UTF8 in value or damage(value):
        raise MalformedRowError("not UTF-8")
    return value


def label_in(row: Row, column: str) -> float:
    """The label in a column, in [0, 1]; MalformedRowError where there is no such number."""
    try:
        value = number_in(row, column)
    except MalformedRowError:
        value = -1.0
    if not 0 <= value <= 1:
        raise MalformedRowError(f"{column} is not a number from 0 to 1")
    return value


def number_in(row: Row, column: str) -> float:
    """The number in a column; MalformedRowError where there is none that can be compared."""
    try:
        value = float(row[column])
    except (KeyError, TypeError, ValueError):
        value = nan
    if not isfinite(value):
        raise MalformedRowError(f"{column} is no number")
    return value


def _known(where: str) -> Path:
    path = Path(where)
    if not path.is_file():
        raise PhoqueError(f"There is no file {where}. For a set on the Hub, write {HUB}NAME.")
    if suffix(where) not in SUFFIXES:
        kinds = ", ".join(SUFFIXES)
        raise PhoqueError(
            f"{where} is of no known kind: a corpus ends in {kinds}, each also with {PACKED}."
        )
    return path


def _with_columns(
    rows: Iterator[Row], where: str, schemas: Sequence[Schema], dropped: Dropped
) -> Iterator[Row]:
    first = next(rows, None)
    if first is None:
        raise PhoqueError(f"{where} has no row that could be read. Dropped: {dict(dropped)}.")
    if not _has_columns(first, schemas):
        seen = named(map(str, first))
        expected = " or ".join(", ".join(schema) for schema in schemas)
        raise PhoqueError(f"{where} is another file. Columns seen: {seen}. Expected: {expected}.")
    for row in chain([first], rows):
        if _has_columns(row, schemas):
            yield row
        else:
            dropped[f"{MALFORMED}missing columns"] += 1


def _has_columns(row: Row, schemas: Sequence[Schema]) -> bool:
    return any(set(schema) <= row.keys() for schema in schemas)


def _objects(data: Input, schemas: Sequence[Schema], dropped: Dropped) -> Iterator[Row]:
    """The rows of a file as objects, by name or key; those that cannot be read are counted."""
    taken = found(data)
    if taken.form == "csv":
        likeliest = max(schemas, key=lambda schema: sum(name in data.head for name in schema))
        cells = table(data, found(data, columns=likeliest))
        read, columns = iter(cells), cells.columns
    else:
        read, columns = rows(data, taken), None
    for row in read:
        value = row.value if columns is None else dict(zip(columns, row.value or (), strict=False))
        if row.fault is not None or not isinstance(value, dict):
            _drop(dropped, row, data.name)
        else:
            yield value


def _drop(dropped: Dropped, row: Found, file: str) -> None:
    fault = NOT_JSON_OBJECT if row.fault in {None, NOT_JSON} else row.fault
    reason = f"{MALFORMED}{fault}"
    dropped[reason] += 1
    places = dropped.places.setdefault(reason, [])
    if len(places) < MOST_NAMED:
        places.append(f"{file}, line {row.line}")


def _hub_rows(name: str) -> Iterator[Row]:
    try:
        yield from datasets.load_dataset(name, split="train", streaming=True)
    except (OSError, ValueError) as error:
        raise PhoqueError(
            f"The set {name} could not be streamed from the Hub: {error} "
            "Check name and network, or give a file."
        ) from error
