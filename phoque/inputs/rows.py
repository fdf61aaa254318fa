"""One row of a file: what it holds, or why it cannot be read; and what in it is no text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

LONGEST_CELL = 1_000_000
"""Characters of a cell, a line of text or a JSON value: what is longer is not one message."""
LONGEST_LINE = 10 * LONGEST_CELL
"""Characters of one line of a table, whatever the number of its cells."""
ABSENT = frozenset({"NaN", "nan", "NULL", "null", "<NA>", "#N/A", "\\N"})
"""What programs write into the cell of a table for a value that is not there."""
UNDECODED = re.compile("[\udc00-\udcff]")
TOO_LONG = f"more than {LONGEST_CELL:,} characters"
MOST_NAMES, LONGEST_NAME = 12, 40
"""Of the columns that a message names: how many, and characters of each."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a file, by the number of the line it begins on (from 1)."""

    line: int
    value: Any = None
    fault: str | None = None
    """Why it cannot be read, the same words for every row of the kind; None where it can."""
    seen: str = ""
    """What was seen of the fault, where that says more."""

    @property
    def told(self) -> str:
        """The fault with its line, for people."""
        return f"line {self.line}: {self.fault}{f' ({self.seen})' if self.seen else ''}"


def named(columns: Iterable[str]) -> str:
    """Columns or keys of a file for one line of a message, whatever they hold."""
    shown = [one if len(one) <= LONGEST_NAME else f"{one[:LONGEST_NAME]}…" for one in columns]
    told = [repr(one)[1:-1] or "(no name)" for one in shown[:MOST_NAMES]]
    return ", ".join(told + ["…"] * (len(shown) > MOST_NAMES))


def damage(text: str) -> str | None:
    """Why a text is not what somebody wrote: bytes that were not decoded, or NUL; None if it is."""
    return "a NUL character" if "\0" in text else undecoded(text)


def undecoded(text: str) -> str | None:
    """Which byte of a text is not of its file's encoding; None where all are."""
    found = UNDECODED.search(text)
    if found is None:
        return None
    return f"a byte (0x{ord(found[0]) - 0xDC00:02x}) that is not of the file's encoding"
