"""Lines of a text file, one row each; a line that is too long costs only itself."""

from collections.abc import Iterator
from typing import TextIO

from phoque.inputs.rows import LONGEST_CELL, TOO_LONG, Row


def lines(file: TextIO) -> Iterator[Row]:
    """Every line without its end, blank ones included."""
    number = 0
    while line := file.readline(LONGEST_CELL + 2):
        number += 1
        text = line.rstrip("\r\n")
        yield (
            Row(line=number, value=text) if len(text) <= LONGEST_CELL else _cut(file, line, number)
        )


def _cut(file: TextIO, line: str, number: int) -> Row:
    while line and not line.endswith("\n"):
        line = file.readline(LONGEST_CELL)
    return Row(line=number, fault=TOO_LONG)
