"""Rows of a corpus, one at a time: tables and JSON, plain or gzipped, and sets on the Hub.

Memory stays constant however long the file is. A row that is not as its schema says is counted
under a reason and left out; a file without the schema's columns is another file, and refused.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from math import isfinite, nan
from pathlib import Path
from typing import Any

import datasets

from phoque.errors import PhoqueError
from phoque.inputs.forms import PACKED, SUFFIXES, found, rows, suffix, table
from phoque.inputs.opened import Input, recognised, share_of, told_when_cut_off
from phoque.inputs.rows import ABSENT, damage, named
from phoque.inputs.rows import Row as Found
from phoque.inputs.values import NOT_JSON
from phoque.progress import watched
from phoque.stages.corpus.examples import Example

Row = Mapping[str, Any]
Dropped = Counter[str]
"""Rows left out, by reason."""
Schema = tuple[str, ...]
"""Columns that a row must have; it may have more."""
HUB = "hub:"
MALFORMED = "malformed: "
NOT_JSON_OBJECT = "not a JSON object"
NOT_UTF8 = "\ufffd"
MOST_NAMED = 10
"""Broken rows of a kind that are named by their lines; all are counted."""


class DroppedByLine(Dropped):
    """Rows left out, which also knows where in a file rows stand that could not be read."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, list[str]] = {}
        """By reason the first places, such as "train.csv, line 7"."""


def places_of(dropped: Dropped) -> dict[str, list[str]]:
    """By reason where rows stand that could not be read, the first of each."""
    return dropped.places if isinstance(dropped, DroppedByLine) else {}


class MalformedRowError(ValueError):
    """A row that is not as its schema says; the message is the reason it is counted under."""


def read_rows(where: str, schemas: Sequence[Schema], dropped: Dropped) -> Iterator[Row]:
    """Rows that have all columns of one of the `schemas`.

    Args:
        where: a file, or `hub:NAME` for a set of the Hub (its train split) or a local copy of one.
        schemas: one for each form in which the source is published.
        dropped: is told of the rows left out.

    Raises:
        PhoqueError: it cannot be read or is another file; names the columns seen and expected.
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
    """Look whether there is something to read, before anything is read.

    Raises:
        PhoqueError: there is no such file, or it is of no known kind.
    """
    if not where.startswith(HUB):
        _known(where)


def examples_of(
    rows: Iterator[Row], example_of: Callable[[Row], Example], dropped: Dropped
) -> Iterator[Example]:
    """Every row as an example; rows for which there is none are counted."""
    for row in rows:
        try:
            yield example_of(row)
        except MalformedRowError as error:
            dropped[f"{MALFORMED}{error}"] += 1


def text_in(row: Row, column: str) -> str:
    """The text in a column.

    Raises:
        MalformedRowError: there is none, or its bytes were no UTF-8.
    """
    value = row.get(column)
    if not isinstance(value, str) or not value.strip() or value.strip() in ABSENT:
        raise MalformedRowError(f"no {column}")
    if NOT_UTF8 in value or damage(value):
        raise MalformedRowError("not UTF-8")
    return value


def label_in(row: Row, column: str) -> float:
    """The label in a column, in [0, 1].

    Raises:
        MalformedRowError: it is no such number.
    """
    try:
        value = number_in(row, column)
    except MalformedRowError:
        value = -1.0
    if not 0 <= value <= 1:
        raise MalformedRowError(f"{column} is not a number from 0 to 1")
    return value


def number_in(row: Row, column: str) -> float:
    """The number in a column.

    Raises:
        MalformedRowError: there is none, or none that can be compared.
    """
    try:
        value = float(row[column])
    except (KeyError, TypeError, ValueError):
        value = nan
    if not isfinite(value):
        raise MalformedRowError(f"{column} is no number")
    return value


def rows_with(
    rows: Iterator[Row], wanted: Callable[[Row], object], dropped: Dropped
) -> Iterator[Row]:
    """The rows of which `wanted` can be told; the others are counted."""
    for row in rows:
        try:
            wanted(row)
        except MalformedRowError as error:
            dropped[f"{MALFORMED}{error}"] += 1
        else:
            yield row


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
        cells = table(data, found(data, columns=_likeliest(data, schemas)))
        read, columns = iter(cells), cells.columns
    else:
        read, columns = rows(data, taken), None
    for row in read:
        value = row.value if columns is None else dict(zip(columns, row.value or (), strict=False))
        if row.fault is not None or not isinstance(value, dict):
            _drop(dropped, row, data.name)
        else:
            yield value


def _likeliest(data: Input, schemas: Sequence[Schema]) -> Schema:
    return max(schemas, key=lambda schema: sum(column in data.head for column in schema))


def _drop(dropped: Dropped, row: Found, file: str) -> None:
    fault = NOT_JSON_OBJECT if row.fault in {None, NOT_JSON} else row.fault
    reason = f"{MALFORMED}{fault}"
    dropped[reason] += 1
    if isinstance(dropped, DroppedByLine):
        named = dropped.places.setdefault(reason, [])
        if len(named) < MOST_NAMED:
            named.append(f"{file}, line {row.line}")


def _hub_rows(name: str) -> Iterator[Row]:
    try:
        yield from datasets.load_dataset(name, split="train", streaming=True)
    except (OSError, ValueError) as error:
        raise PhoqueError(
            f"The set {name} could not be streamed from the Hub: {error} "
            "Check name and network, or give a file."
        ) from error
