"""Rows of a corpus, one at a time: CSV or JSON, plain or gzipped, and sets on the Hub.

Memory stays constant however long the file is. A row that is not as its schema says is counted
under a reason and left out; a file without the schema's columns is another file, and refused.
"""

import csv
import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from math import isfinite, nan
from pathlib import Path
from typing import Any, TextIO

import datasets

from phoque.corpora.examples import Example
from phoque.corpora.json_rows import json_rows
from phoque.errors import PhoqueError

Row = Mapping[str, Any]
Dropped = Counter[str]
"""Rows left out, by reason."""
Schema = tuple[str, ...]
"""Columns that a row must have; it may have more."""
HUB = "hub:"
MALFORMED = "malformed: "
JSON = (".jsonl", ".ndjson", ".json")
KINDS = tuple(f"{kind}{packed}" for kind in (".csv", *JSON) for packed in ("", ".gz"))
GZIP = b"\x1f\x8b"
"""How every gzipped file begins, whatever it is called."""
BEGINNING = 4096
"""Characters by which the form of a text is told."""
NOT_UTF8 = "\ufffd"


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
    with _opened(where) as file:
        rows = _json_rows(file, dropped) if _is_json(where, file) else _csv_rows(file, dropped)
        yield from _with_columns(rows, where, schemas, dropped)


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
    if not isinstance(value, str) or not value.strip():
        raise MalformedRowError(f"no {column}")
    if NOT_UTF8 in value:
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


@contextmanager
def _opened(where: str) -> Iterator[TextIO]:
    path = Path(where)
    if not path.is_file():
        raise PhoqueError(f"There is no file {where}. For a set on the Hub, write {HUB}NAME.")
    if not where.lower().endswith(KINDS):
        raise PhoqueError(f"{where} is of no known kind: a corpus ends in {', '.join(KINDS)}.")
    with path.open("rb") as raw:
        packed = path.suffix.lower() == ".gz" or raw.read(len(GZIP)) == GZIP
    opener: Any = gzip.open if packed else Path.open
    with opener(path, mode="rt", encoding="utf-8-sig", errors="replace", newline="") as file:
        try:
            yield file
        except (OSError, EOFError, zlib.error) as error:
            raise PhoqueError(f"{where} cannot be read to its end: {error}") from error


def _with_columns(
    rows: Iterator[Row], where: str, schemas: Sequence[Schema], dropped: Dropped
) -> Iterator[Row]:
    first = next(rows, None)
    if first is None:
        raise PhoqueError(f"{where} has no row that could be read. Dropped: {dict(dropped)}.")
    if not _has_columns(first, schemas):
        seen = ", ".join(str(column)[:40] for column in list(first)[:12])
        expected = " or ".join(", ".join(schema) for schema in schemas)
        raise PhoqueError(f"{where} is another file. Columns seen: {seen}. Expected: {expected}.")
    for row in chain([first], rows):
        if _has_columns(row, schemas):
            yield row
        else:
            dropped[f"{MALFORMED}missing columns"] += 1


def _has_columns(row: Row, schemas: Sequence[Schema]) -> bool:
    return any(set(schema) <= row.keys() for schema in schemas)


def _csv_rows(file: TextIO, dropped: Dropped) -> Iterator[Row]:
    reader = csv.reader(file)
    header = next(reader, [])
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            dropped[f"{MALFORMED}not CSV"] += 1
            continue
        if len(row) == len(header):
            yield dict(zip(header, row, strict=True))
        else:
            dropped[f"{MALFORMED}wrong number of fields"] += 1


def _is_json(where: str, file: TextIO) -> bool:
    """Whether the name says so, or the text: no CSV file of a source begins with a bracket."""
    beginning = file.read(BEGINNING)
    file.seek(0)
    return where.lower().removesuffix(".gz").endswith(JSON) or beginning.lstrip()[:1] in {"{", "["}


def _json_rows(file: TextIO, dropped: Dropped) -> Iterator[Row]:
    def count(reason: str) -> None:
        dropped[f"{MALFORMED}{reason}"] += 1

    return json_rows(file, count)


def _hub_rows(name: str) -> Iterator[Row]:
    try:
        yield from datasets.load_dataset(name, split="train", streaming=True)
    except (OSError, ValueError) as error:
        raise PhoqueError(
            f"The set {name} could not be streamed from the Hub: {error} "
            "Check name and network, or give a file."
        ) from error
