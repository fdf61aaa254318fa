"""Texts out of a stream, one at a time: lines, a column of a CSV, or JSON. Constant memory."""

import codecs
import csv
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from phoque.errors import PhoqueError

LONGEST = 1_000_000
"""Bytes of a line, and characters of a JSON value: what is longer is not one message."""
AT_ONCE = 8192
BOM = "\ufeff"


def read_texts(
    stream: BinaryIO, name: str, *, column: str | None = None, is_json: bool = False
) -> Iterator[str]:
    """The texts of a stream, in order.

    Args:
        stream: UTF-8.
        name: what errors call it.
        column: the stream is a CSV file, and this column of it has the texts.
        is_json: the stream is an array, or values one after the other, such as JSON Lines; a value
            is a string, or an object with a string under `text`. Else every line is a text.

    Raises:
        PhoqueError: the stream holds no text, or something that is none.
    """
    texts = _texts(stream, name, column, is_json=is_json)
    if (first := next(texts, None)) is None:
        raise PhoqueError(f"{name} holds no text to score. Give one text a line.")
    yield first
    yield from texts


def _texts(stream: BinaryIO, name: str, column: str | None, *, is_json: bool) -> Iterator[str]:
    if is_json:
        return _json_texts(stream, name)
    return _lines(stream, name) if column is None else _column(stream, name, column)


def _lines(stream: BinaryIO, name: str) -> Iterator[str]:
    number = 0
    while line := stream.readline(LONGEST + 1):
        number += 1
        yield _decoded(line, number, name).rstrip("\r\n")


def _column(stream: BinaryIO, name: str, wanted: str) -> Iterator[str]:
    reader = csv.reader((f"{line}\n" for line in _lines(stream, name)), strict=True)
    try:
        head = next(reader, None)
        if head is not None and wanted not in head:
            raise PhoqueError(f"{name} has no column {wanted}. It has: {', '.join(head)}.")
        for row in reader:
            # A blank line is a row without cells.
            if row:
                yield row[(head or []).index(wanted)]
    except IndexError:
        raise PhoqueError(f"{name}, line {reader.line_num}: this row has no {wanted}.") from None
    except csv.Error as error:
        raise PhoqueError(f"{name}, line {reader.line_num}: not a CSV row: {error}.") from error


def _json_texts(stream: BinaryIO, name: str) -> Iterator[str]:
    for number, value in enumerate(_Json(stream, name).values(), 1):
        text = value.get("text") if isinstance(value, dict) else value
        if not isinstance(text, str):
            raise PhoqueError(
                f"{name}, value {number} is no text: give strings, or objects with a string "
                'under "text".'
            )
        yield text


class _Json:
    """JSON values of a stream, of which only the part that is not parsed yet is kept."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream, self._name = stream, name
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._pending, self._line = "", 1

    def values(self) -> Iterator[Any]:
        """Every value of an array, or every value there is."""
        if not self._take("["):
            while self._next():
                yield self._value()
            return
        while not self._take("]"):
            yield self._value()
            if not self._take(",") and self._next() != "]":
                raise self._error("between two values there is no comma, or the array is cut off")
        if self._next():
            raise self._error("something follows the array")

    def _value(self) -> Any:
        self._next()
        while True:
            try:
                value, end = json.JSONDecoder().raw_decode(self._pending)
            except (ValueError, RecursionError):
                if len(self._pending) <= LONGEST and self._more():
                    continue
                raise self._error("here is no JSON value, or only part of one") from None
            self._use(end)
            return value

    def _next(self) -> str:
        """The next character that is no space, left where it is; empty at the end."""
        while True:
            self._use(len(self._pending) - len(self._pending.lstrip()))
            if self._pending or not self._more():
                return self._pending[:1]

    def _take(self, character: str) -> bool:
        found = self._next() == character
        self._use(int(found))
        return found

    def _use(self, count: int) -> None:
        self._line += self._pending.count("\n", 0, count)
        self._pending = self._pending[count:]

    def _more(self) -> bool:
        part = self._stream.read(AT_ONCE)
        try:
            found = self._decoder.decode(part, final=not part)
        except UnicodeDecodeError as error:
            self._line += self._pending.count("\n") + part.count(b"\n", 0, error.start)
            raise self._error(f"not UTF-8 ({error.reason})") from error
        self._pending += found
        return bool(part)

    def _error(self, what: str) -> PhoqueError:
        return PhoqueError(f"{self._name}, line {self._line}: {what}.")


def _decoded(line: bytes, number: int, name: str) -> str:
    if len(line) > LONGEST:
        raise PhoqueError(
            f"{name}, line {number} is longer than {LONGEST:,} bytes. Give one text a line; for "
            "texts with line breaks use --json or --column."
        )
    if b"\0" in line:
        raise PhoqueError(f"{name}, line {number} is binary. Give text in UTF-8.")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PhoqueError(
            f"{name}, line {number} is not UTF-8 ({error.reason} at byte {error.start}). "
            "Convert the file to UTF-8."
        ) from error
    return text.removeprefix(BOM) if number == 1 else text
