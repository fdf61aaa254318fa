"""Read JSON values one by one: from an array, or one after the other, such as JSON Lines.

A broken value costs only itself: the rest of its line is skipped, or in an array everything up to the
next comma. Only the part that is not parsed yet is kept in memory.
"""

import json
from collections.abc import Iterator
from json import JSONDecodeError
from typing import TextIO

from phoque.errors import PhoqueError
from phoque.inputs.rows import LONGEST_CELL, TOO_LONG, Row

AT_ONCE = 8192
NOT_JSON = "here is no JSON value, or only part of one"
LONGEST_WORD = 16
"""The most characters of an escape or a name such as `false`, which the end of a part may cut."""
STARTS = ("{", "[", '"')
"""How a value begins after a broken one; indented lines belong to the broken one."""


def values(file: TextIO, name: str) -> Iterator[Row]:
    """Every element of an array, or every value; raises where an array is cut off or goes on."""
    number, start = 1, file.readline(AT_ONCE)
    while start and not start.strip():
        number += start.endswith("\n")
        start = file.readline(AT_ONCE)
    if start.lstrip().startswith("["):
        yield from _Array(file, name, start, number).rows()
    else:
        yield from _Values(file, start, number).rows()


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
    """Values one after the other, each on one or several lines."""

    def __init__(self, file: TextIO, start: str, line: int) -> None:
        self._file, self._line = file, line
        self._again = [start] if start else []

    def rows(self) -> Iterator[Row]:
        while line := self._next():
            if line.strip():
                yield from self._values(line)
            else:
                self._line += 1

    def _next(self) -> str:
        line = self._again.pop() if self._again else ""
        if not line.endswith("\n"):
            line += self._file.readline(LONGEST_CELL + 1 - len(line))
        return line

    def _values(self, line: str) -> list[Row]:
        """The values that begin on a line, or the reason why they cannot be read."""
        lines, fault = [line], None
        while fault is None:
            text = "".join(lines)
            found, unfinished = _parsed(text, self._line)
            if len(text) > LONGEST_CELL:
                fault = TOO_LONG
            elif not unfinished:
                fault = None if found else NOT_JSON
                if found:
                    self._line += len(lines)
                    return found
            elif following := self._next():
                lines.append(following)
            else:
                fault = NOT_JSON
        return [self._broken(lines, fault)]

    def _broken(self, lines: list[str], fault: str) -> Row:
        """Report the first line as broken and read on from the next value."""
        if not lines[0].endswith("\n"):
            _skip_line(self._file)
        row = Row(line=self._line, fault=fault)
        rest = lines[1:]
        self._line += 1
        # Lines that belong to a broken value are not values.
        while len(lines) > 1 and (rest or (rest := [self._next()])[0]):
            if rest[0].startswith(STARTS):
                break
            self._line += 1
            rest = rest[1:]
        self._again = rest[::-1]
        return row


def _parsed(text: str, line: int) -> tuple[list[Row], bool]:
    """All values of a text (none if one is broken), and whether the last one is cut."""
    found, place, end = [], 0, len(text.rstrip())
    while (place := place + len(text[place:]) - len(text[place:].lstrip())) < end:
        try:
            value, after = json.JSONDecoder().raw_decode(text, place)
        except JSONDecodeError as error:
            return [], error.pos >= end
        except (ValueError, RecursionError):
            return [], False
        found.append(Row(line=line + text.count("\n", 0, place), value=value))
        place = after
    return found, False


def _skip_line(file: TextIO) -> None:
    while (part := file.readline(AT_ONCE)) and not part.endswith("\n"):
        pass


class _Array:
    """Elements of an array, whose text is read in parts."""

    def __init__(self, file: TextIO, name: str, start: str, line: int) -> None:
        self._file, self._name = file, name
        self._pending, self._line = start, line

    def rows(self) -> Iterator[Row]:
        self._take("[")
        while not self._take("]"):
            yield self._element()
            if not self._take(",") and self._next() != "]":
                raise self._error("the array is cut off")
        if self._next():
            raise self._error("something follows the array")

    def _element(self) -> Row:
        self._next()
        line, fault = self._line, self._whole()
        if fault is None:
            value, end = json.JSONDecoder().raw_decode(self._pending)
            self._use(end)
            if self._next() in {"", ",", "]"}:
                return Row(line=line, value=value)
        self._skip()
        return Row(line=line, fault=fault or "no comma between two values")

    def _whole(self) -> str | None:
        """Read until a whole value is pending; returns the reason if that fails."""
        while True:
            try:
                end = json.JSONDecoder().raw_decode(self._pending)[1]
            except JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated")
                unfinished = cut or error.pos >= len(self._pending) - LONGEST_WORD
            except (ValueError, RecursionError):
                return NOT_JSON
            else:
                # A number may continue in the next part.
                if end <= LONGEST_CELL and (end < len(self._pending) or not self._more()):
                    return None
                unfinished = True
            if len(self._pending) > LONGEST_CELL:
                return TOO_LONG
            if not (unfinished and self._more()):
                return NOT_JSON

    def _skip(self) -> None:
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

    def _next(self) -> str:
        """Peek at the next character that is not a space; empty at the end."""
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
        part = self._file.read(AT_ONCE)
        self._pending += part
        return bool(part)

    def _error(self, what: str) -> PhoqueError:
        return PhoqueError(f"{self._name}, line {self._line}: {what}.")
