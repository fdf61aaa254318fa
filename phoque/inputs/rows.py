"""A row of a file: its content, or the reason why it cannot be read."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

LONGEST_CELL = 1_000_000
"""The most characters of a cell, a line of text or a JSON value: longer ones are not a message."""
LONGEST_LINE = 10 * LONGEST_CELL
"""The most characters of one line of a table."""
ABSENT = frozenset({"NaN", "nan", "NULL", "null", "<NA>", "#N/A", "\\N"})
"""What programs write into a cell that has no value."""
UNDECODED = re.compile("[\udc00-\udcff]")
HALF = re.compile("[\ud800-\udfff]")
TOO_LONG = f"more than {LONGEST_CELL:,} characters"
MOST_NAMES, LONGEST_NAME = 12, 40
"""How many columns a message names, and how many characters of each."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a file; `line` is where it begins, counted from 1."""

    line: int
    value: Any = None
    fault: str | None = None
    """Why it cannot be read, in the same words for all such rows; None if it can."""
    seen: str = ""
    """Details of the fault."""

    @property
    def told(self) -> str:
        """The fault with its line, in words."""
        return f"line {self.line}: {self.fault}{f' ({self.seen})' if self.seen else ''}"


def named(columns: Iterable[str]) -> str:
    """Columns or keys of a file, shortened for one line of a message."""
    shown = [one if len(one) <= LONGEST_NAME else f"{one[:LONGEST_NAME]}…" for one in columns]
    told = [repr(one)[1:-1] or "(no name)" for one in shown[:MOST_NAMES]]
    return ", ".join(told + ["…"] * (len(shown) > MOST_NAMES))


def damage(text: str) -> str | None:
    """Why a text is damaged (undecoded bytes or NUL); None if it is not."""
    return "a NUL character" if "\0" in text else undecoded(text)


def undecoded(text: str) -> str | None:
    """The byte of a text that is not in its file's encoding; None if all are."""
    found = UNDECODED.search(text)
    if found is None:
        return None
    return f"a byte (0x{ord(found[0]) - 0xDC00:02x}) that is not of the file's encoding"


def half_character(text: str) -> str | None:
    """A half of a character, such as U+D83D, which JSON can hold and no text; None without one."""
    found = HALF.search(text)
    return f"U+{ord(found[0]):X}" if found else None
