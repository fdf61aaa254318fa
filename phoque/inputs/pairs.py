"""Rows of a text and a word about it, from a table or JSON Lines: all of them, or an error."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from phoque.errors import PhoqueError
from phoque.inputs.forms import found, rows, table
from phoque.inputs.opened import SAVE, Input, recognised, told_when_cut_off
from phoque.inputs.rows import ABSENT, Row, half_character, named, undecoded

YES = frozenset({"true", "yes", "1", "1.0", "flagged", "hostile", "harmful", "toxic", "unsafe"})
NO = frozenset(
    {"false", "no", "0", "0.0", "passes", "passed", "harmless", "civil", "not hostile", "safe"}
)

BEGINNING = 40
"""How many characters of a text an error quotes."""


class Answers:
    """What a file says of each text: one answer, however often it says it."""

    def __init__(self, path: Path, what: str) -> None:
        """`what` is what an error calls an answer, such as a verdict."""
        self._path, self._what = path, what
        self._found: dict[str, tuple[int, float]] = {}

    def add(self, line: int, text: str, answer: float) -> None:
        """Note what a line says; PhoqueError where an earlier one says something else of its text."""
        first, known = self._found.setdefault(text, (line, answer))
        if answer != known:
            raise PhoqueError(
                f"{self._path}, line {line}: line {first} gives this text another {self._what} "
                f"({text[:BEGINNING]!r}). Leave one out."
            )


def read_pairs(path: Path, text: str, word: str) -> Iterator[tuple[int, str, str]]:
    """Line, text and word of every row; a row whose word is missing has an empty one.

    The file is CSV, TSV, JSON or JSON Lines, also gzipped; `text` and `word` are columns or keys.
    PhoqueError where the file or a row cannot be read, or has no such column; names file and line.
    """
    if not path.is_file():
        raise PhoqueError(f"There is no file {path}. Give a table or JSON Lines with texts.")
    with path.open("rb") as stream, told_when_cut_off(str(path)):
        for row in _objects(recognised(stream, str(path)), (text, word)):
            if row.fault is not None:
                raise PhoqueError(f"{path}, {row.told}.")
            said = row.value.get(text)
            if not isinstance(said, str) or not said.strip():
                raise PhoqueError(f'{path}, line {row.line}: there is no text under "{text}".')
            found = _word(row.value.get(word))
            for one in (said, found):
                _check_whole(one, f"{path}, line {row.line}")
            yield row.line, said, found


def verdict(word: str) -> bool | None:
    """What a word about a text says: yes, no, or nothing that is known here."""
    plain = word.strip().lower()
    return True if plain in YES else False if plain in NO else None


def _objects(data: Input, columns: tuple[str, ...]) -> Iterator[Row]:
    """Every row as an object; a JSON Lines file needs no object for the whole."""
    taken = found(data, columns=columns)
    if taken.form == "json":
        for row in rows(data, taken):
            wrong = row.fault is None and not isinstance(row.value, dict)
            yield Row(line=row.line, fault="it is no JSON object") if wrong else row
        return
    head = table(data, taken)
    if not head.columns:
        raise PhoqueError(
            f"{data.name} is empty. Give rows with the columns {' and '.join(columns)}."
        )
    if missing := [name for name in columns if name not in head.columns]:
        told = " and no column ".join(missing)
        raise PhoqueError(f"{data.name} has no column {told}. It has: {named(head.columns)}.")
    for row in head:
        known = row.fault is None
        yield replace(row, value=dict(zip(head.columns, row.value, strict=True))) if known else row


def _check_whole(text: str, place: str) -> None:
    if fault := undecoded(text):
        raise PhoqueError(f"{place}: there is {fault}. {SAVE}")
    if half := half_character(text):
        raise PhoqueError(f"{place}: there is half a character ({half}). Remove it.")


def _word(value: Any) -> str:
    word = "" if value is None else str(value)
    return "" if word in ABSENT else word
