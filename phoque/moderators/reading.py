"""Texts out of a stream, one at a time: lines, a column of a table, or JSON. Constant memory."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, BinaryIO

from phoque.errors import PhoqueError
from phoque.inputs.forms import Form, Found, found, rows, table
from phoque.inputs.opened import recognised, told_when_cut_off
from phoque.inputs.rows import ABSENT, Row, damage, named, undecoded

KEY = "text"
"""What holds the text of a JSON object, where nobody says another."""
LOOKED_AT = 20
"""Rows that are looked at before the first is scored: where none can be read, none will be."""
EMPTY = "empty"
REMEDY = "Save it as UTF-8, or name its encoding with --encoding, such as utf-16 or cp1252."
UNSEEN = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Cs"})
"""Categories of characters that nobody sees; the last are halves of characters."""


@dataclass(frozen=True)
class NoText:
    """A row without a text to score."""

    reason: str
    broken: bool = False
    """Whether it could not be read, which is more than that it holds no text."""


def read_texts(  # noqa: PLR0913  # the public face: every keyword is one thing a person may know
    stream: BinaryIO,
    name: str,
    *,
    column: str | None = None,
    form: Form | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[str | NoText]:
    """The texts of a stream, in order; a row that has none says why and costs no other.

    Args:
        stream: bytes, also packed by gzip.
        name: of the file; its suffix says which form it has, where its content does not.
        column: of a table, or key of a JSON object; those are under `text` otherwise.
        form: lines of text; a table; or JSON, an array or values one after the other, such as JSON
            Lines, each a string or an object. None goes by content and name.
        delimiter: of a table; None goes by its first row.
        encoding: None goes by a byte order mark, else UTF-8.
        tell: is told once what the stream was taken for.

    Raises:
        PhoqueError: the stream holds no text, is cut off, or is of no form with such a column.
    """
    with told_when_cut_off(name):
        data = recognised(stream, name, encoding, remedy=REMEDY)
        taken = found(data, form=form, delimiter=delimiter, columns=[column] if column else [])
        if not data.head:
            raise PhoqueError(_nothing(name))
        if taken.form == "csv":
            head = table(data, taken)
            texts = _column(head, _wanted(head.columns, column and column.strip(), name))
        else:
            texts = _texts(rows(data, taken), name, column, taken)
        first = list(islice(texts, LOOKED_AT))
        _refuse_unreadable(first, name, taken)
        tell(f"Reading {name} as {taken}{f', {column}' if column else ''}.")
        yield from chain(first, texts)


def no_text(text: str) -> NoText | None:
    """Why there is nothing to score in a text; None where there is."""
    if (fault := damage(text)) is not None:
        hint = ": say the encoding with --encoding" if undecoded(text) else ""
        return NoText(f"{fault}{hint}", broken=True)
    seen = any(unicodedata.category(character) not in UNSEEN for character in text)
    return None if seen else NoText(EMPTY)


def _column(found_rows: Iterable[Row], place: int) -> Iterator[str | NoText]:
    for row in found_rows:
        if row.fault is not None:
            yield NoText(row.told, broken=True)
        elif row.value[place].strip() in ABSENT:
            yield NoText(f"line {row.line}: no text, but {row.value[place].strip()}")
        else:
            yield _told(row.value[place], row.line)


def _wanted(columns: Sequence[str], column: str | None, name: str) -> int:
    has = f"It has: {named(columns)}."
    if column is None:
        raise PhoqueError(
            f"{name} is a table: say with --column which column has the texts. {has} "
            "Its lines as they stand are scored with --format text."
        )
    if columns.count(column) != 1:
        number = "no column" if column not in columns else "more than one column"
        raise PhoqueError(f"{name} has {number} {column}. {has}")
    return columns.index(column)


def _texts(
    found_rows: Iterator[Row], name: str, column: str | None, taken: Found
) -> Iterator[str | NoText]:
    if taken.form == "text" and column is not None:
        raise PhoqueError(f"{name} is read as lines of text, which have no column {column}.")
    key = column or KEY
    first = list(islice(found_rows, LOOKED_AT))
    objects = [row.value for row in first if isinstance(row.value, dict)]
    if objects and not any(key in one for one in objects):
        keys = named(dict.fromkeys(str(key) for one in objects for key in one))
        raise PhoqueError(
            f'{name} has no text under "{key}". Say with --column which key has it: {keys}.'
        )
    return (_of_value(row, key) for row in chain(first, found_rows))


def _of_value(row: Row, key: str) -> str | NoText:
    if row.fault is not None:
        return NoText(row.told, broken=True)
    value = row.value
    if isinstance(value, dict):
        if key not in value:
            return NoText(f'line {row.line}: no "{key}"')
        value = value[key]
    if isinstance(value, str):
        return _told(value, row.line)
    return NoText(f"line {row.line}: no text, but {_kind(value)}")


def _kind(value: Any) -> str:
    names = {type(None): "null", bool: "true or false", list: "a list", dict: "an object"}
    return names.get(type(value), str(value)[:40])


def _told(text: str, line: int) -> str | NoText:
    missing = no_text(text)
    if missing and missing.broken:
        return NoText(f"line {line}: {missing.reason}", broken=True)
    return missing or text


def _refuse_unreadable(first: Sequence[str | NoText], name: str, taken: Found) -> None:
    if not first:
        raise PhoqueError(_nothing(name))
    broken = [one.reason for one in first if isinstance(one, NoText) and one.broken]
    if len(broken) == len(first):
        raise PhoqueError(
            f"{name} was read as {taken}, and none of its first rows can be read so; {broken[0]}. "
            "Say what it is with --format, --delimiter or --encoding."
        )


def _nothing(name: str) -> str:
    return f"{name} holds no text to score. Give one text a line."
