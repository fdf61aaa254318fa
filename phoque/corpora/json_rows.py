"""Objects out of JSON text in whatever form it comes: an array or one value after the other.

One a line (JSON Lines), spread over lines, or all on one line: the form is told by the text, never
by the name of the file. Memory stays constant; a value that is broken costs itself.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TextIO

LONGEST = 4_000_000
"""Characters of one value; what is longer is no row."""
AT_ONCE = 1 << 14
ARRAY = re.compile(r"\[\s*[{\]]")
BLANK = re.compile(r"\s*")
UNFINISHED = "Unterminated string"
LITERAL = re.compile(r"[\w.+\-\\]*\Z")
NEXT_ROW = re.compile(r"\n\s*(?=[{\]])|\}\s*,\s*(?=\{)")
NEXT_LINE = re.compile(r"\n")
PART = re.compile(r"[\n}][\s,]*\Z")
"""What may be the beginning of the place from which reading goes on."""


def json_rows(file: TextIO, wrong: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Every object of a text.

    Args:
        file: from its beginning.
        wrong: is told the reason of everything that is left out.
    """
    return _Rows(file, wrong).rows()


class _Rows:
    """What is read but not parsed yet, and how to go on from there."""

    def __init__(self, file: TextIO, wrong: Callable[[str], None]) -> None:
        self._file, self._wrong = file, wrong
        self._text, self._at = "", 0

    def rows(self) -> Iterator[dict[str, Any]]:
        """Objects of arrays and between them."""
        while self._next():
            if self._text[self._at] == ",":
                self._at += 1
            elif self._begins(ARRAY):
                self._at += 1
                yield from self._array()
            else:
                yield from self._row(NEXT_LINE)

    def _array(self) -> Iterator[dict[str, Any]]:
        while (character := self._next()) != "]":
            if not character:
                self._wrong("the array is cut off")
                return
            if character == ",":
                self._at += 1
            else:
                yield from self._row(NEXT_ROW)
        self._at += 1

    def _row(self, onwards: re.Pattern[str]) -> Iterator[dict[str, Any]]:
        """The next value, if it is an object; after a broken one it goes on at `onwards`."""
        found, end = self._value()
        if isinstance(found, dict):
            yield found
        else:
            self._wrong("not a JSON object")
        if end is None:
            self._skip(onwards)
        else:
            self._at = end

    def _value(self) -> tuple[Any, int | None]:
        """The value that begins here and its end; no end where it is broken."""
        while True:
            try:
                return DECODER.raw_decode(self._text, self._at)
            except RecursionError:
                return None, None
            except json.JSONDecodeError as error:
                if not (self._goes_on(error) and self._more(double=True)):
                    return None, None

    def _goes_on(self, error: json.JSONDecodeError) -> bool:
        """Whether a value is not broken but only not read to its end."""
        if len(self._text) - self._at > LONGEST:
            return False
        # The decoder stops at what it does not expect: at the end that is only what is missing.
        rest = self._text[error.pos :]
        return error.msg.startswith(UNFINISHED) or not rest.strip() or bool(LITERAL.fullmatch(rest))

    def _skip(self, onwards: re.Pattern[str]) -> None:
        while not (found := onwards.search(self._text, self._at)):
            part = PART.search(self._text, self._at)
            self._at = part.start() if part else len(self._text)
            if not self._more():
                self._at = len(self._text)
                return
        self._at = found.end()

    def _next(self) -> str:
        """The next character that is no space, left where it is; empty at the end."""
        while True:
            found = BLANK.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def _begins(self, pattern: re.Pattern[str]) -> bool:
        while not self._text[self._at + 1 :].strip():
            if not self._more():
                break
        return pattern.match(self._text, self._at) is not None

    def _more(self, *, double: bool = False) -> bool:
        """Read on; `double` what there is, so that a long value is not parsed too often."""
        self._text, self._at = self._text[self._at :], 0
        part = self._file.read(max(AT_ONCE, len(self._text) if double else 0))
        self._text += part
        return bool(part)


DECODER = json.JSONDecoder()
