"""Read JSON values one by one: from an array, or one after the other, such as JSON Lines.

A broken value costs only itself: the rest of its line is skipped, or in an array everything up to the
next comma. Only the part that is not parsed yet is kept in memory.
"""

import json
from collections.abc import Callable, Iterator
from json import JSONDecodeError
from typing import TextIO

from phoque.errors import PhoqueError
from phoque.inputs.rows import LONGEST_CELL, TOO_LONG, Row

AT_ONCE = 8192
NOT_JSON = "here is no JSON value, or only part of one"
NOT_APART = "no comma between two values"
LONGEST_WORD = 16
"""The most characters of an escape or a name such as `false`, which the end of a part may cut."""
STARTS = ("{", "[", '"')
"""How a value begins after a broken one; indented lines belong to the broken one."""


def values(file: TextIO, name: str) -> Iterator[Row]:
    """Every element of an array, or every value; raises where an array is cut off or goes on."""
    found = _Values(file, name)
    yield from found.elements() if found.next() == "[" else found.lines()


def is_json(head: str) -> bool:
    """Whether a text begins like JSON objects, or like an array of objects or strings."""
    text = head.lstrip()
    inside = text.removeprefix("[").lstrip()
    if not inside.startswith("{"):
        return text.startswith("[") and inside.startswith('"') and _is_begun(inside, ",]")
    return _is_begun(inside, "{,]\n\r")


def _is_begun(text: str, then: str) -> bool:
    """Whether a value, or its beginning, stands here with one of these signs behind it."""
    try:
        end = json.JSONDecoder().raw_decode(text)[1]
    except JSONDecodeError as error:
        cut = error.msg.startswith("Unterminated") and "\n" not in text[error.pos :]
        return cut or error.pos >= len(text.rstrip())
    except (ValueError, RecursionError):
        return False
    return text[end:].lstrip(" \t")[:1] in {"", *then}


class _Values:
    """Values of a file, each read when it is asked for; only what is not parsed yet is kept."""

    def __init__(self, file: TextIO, name: str) -> None:
        self._file, self._name = file, name
        self._pending, self._line = "", 1

    def lines(self) -> Iterator[Row]:
        """One after the other, each on one or several lines."""
        while self.next():
            yield self._value(self._skip_lines, self._at_line)

    def elements(self) -> Iterator[Row]:
        """Those of an array."""
        self._take("[")
        while not self._take("]"):
            yield self._value(self._skip_element, self._at_comma)
            if not self._take(",") and self.next() != "]":
                raise self._error("the array is cut off")
        if self.next():
            raise self._error("something follows the array")

    def _value(self, skip: Callable[[int], None], wrong: Callable[[], str]) -> Row:
        """The next one; `wrong` says what may not stand behind it, and `skip` goes on behind a broken one."""
        self.next()
        line, (fault, place) = self._line, self._whole()
        if fault is None:
            value, end = json.JSONDecoder().raw_decode(self._pending)
            self._use(end)
            if not (fault := wrong()):
                return Row(line=line, value=value)
            place = 0
        skip(place)
        return Row(line=line, fault=fault)

    def _whole(self) -> tuple[str | None, int]:
        """Read until a whole value is pending; the reason if that fails, and where the value ends or is broken."""
        while True:
            place, unfinished = len(self._pending), True
            try:
                place = json.JSONDecoder().raw_decode(self._pending)[1]
                # A number may continue in the next part.
                if place <= LONGEST_CELL and (place < len(self._pending) or not self._more()):
                    return None, place
            except JSONDecodeError as error:
                place, cut = error.pos, error.msg.startswith("Unterminated")
                unfinished = cut or place >= len(self._pending) - LONGEST_WORD
            except (ValueError, RecursionError):
                return NOT_JSON, 0
            if len(self._pending) > LONGEST_CELL:
                return TOO_LONG, place
            if not (unfinished and self._more()):
                return NOT_JSON, place

    def _at_line(self) -> str:
        """Behind a value its line ends, or another one begins."""
        behind = self._pending.lstrip(" \t")[:1]
        return "" if behind in {"", "\n", "\r", *STARTS} else NOT_JSON

    def _at_comma(self) -> str:
        return "" if self.next() in {"", ",", "]"} else NOT_APART

    def _skip_lines(self, place: int) -> None:
        """Go to the next line, and where the value is broken on a later one, to the next that begins a value."""
        several = "\n" in self._pending[: place + 1]
        self._skip_line()
        while several and (self._pending or self._more()):
            if self._pending.startswith(STARTS):
                return
            self._skip_line()

    def _skip_line(self) -> None:
        while "\n" not in self._pending:
            self._pending = ""
            if not self._more():
                return
        self._use(self._pending.index("\n") + 1)

    def _skip_element(self, _place: int) -> None:
        """Go to the comma behind a broken element, or to the end of the array."""
        depth, quoted, escaped = 0, False, False
        while self._pending or self._more():
            for place, character in enumerate(self._pending):
                if not (quoted or depth) and character in ",]":
                    self._use(place)
                    return
                if character == '"' and not escaped:
                    quoted = not quoted
                elif not quoted:
                    depth += (character in "[{") - (character in "]}")
                escaped = quoted and character == "\\" and not escaped
            self._use(len(self._pending))
        raise self._error(f"{NOT_JSON}, and the array does not end")

    def next(self) -> str:
        """Peek at the next character that is not a space; empty at the end."""
        while True:
            self._use(len(self._pending) - len(self._pending.lstrip()))
            if self._pending or not self._more():
                return self._pending[:1]

    def _take(self, character: str) -> bool:
        found = self.next() == character
        self._use(int(found))
        return found

    def _use(self, count: int) -> None:
        self._line += self._pending.count("\n", 0, count)
        self._pending = self._pending[count:]

    def _more(self) -> bool:
        part = self._file.readline(AT_ONCE)
        self._pending += part
        return bool(part)

    def _error(self, what: str) -> PhoqueError:
        return PhoqueError(f"{self._name}, line {self._line}: {what}.")
