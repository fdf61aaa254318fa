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
        fits = len(text) <= LONGEST_CELL
        while not fits and line and not line.endswith("\n"):
            line = file.readline(LONGEST_CELL)
        yield Row(line=number, value=text) if fits else Row(line=number, fault=TOO_LONG)
