"""Find out the form of a file from its name and content, never from an option alone."""

import csv
import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, TextIO, get_args

from phoque.errors import PhoqueError
from phoque.inputs.opened import Input
from phoque.inputs.rows import LONGEST_CELL, TOO_LONG, Row
from phoque.inputs.tables import DELIMITERS, Table
from phoque.inputs.values import is_json, values


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


Form = Literal["text", "csv", "json"]
FORMS: tuple[Form, ...] = get_args(Form)
SUFFIXES: dict[str, Form] = {
    ".csv": "csv", ".tsv": "csv", ".json": "json", ".jsonl": "json", ".ndjson": "json"
}  # fmt: skip
PACKED = ".gz"
STATED = re.compile(r"sep=([^\w\s\"]|\t)[\r\n]", re.IGNORECASE)
"""A first line with which spreadsheets name the delimiter."""
NAMED = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a file was taken for."""

    form: Form
    encoding: str
    delimiter: str | None = None
    """The delimiter of a table."""

    def __str__(self) -> str:
        """For people, such as "CSV with semicolon, utf-8"."""
        sign = NAMED.get(self.delimiter or "", repr(self.delimiter))
        kind = {"text": "lines of text", "csv": f"CSV with {sign}", "json": "JSON"}[self.form]
        return f"{kind}, {self.encoding}"


def form_called(name: str) -> str:
    """The form with this name or alias, such as jsonl; an unknown name is returned as it is."""
    return SUFFIXES.get(f".{name.lower()}", name.lower())


def suffix(name: str) -> str:
    """The last suffix of a file's name in lower case, without that of gzip."""
    bare = name.lower().removesuffix(PACKED)
    return bare[bare.rfind(".") :] if "." in bare else ""


def found(
    data: Input,
    *,
    form: Form | None = None,
    delimiter: str | None = None,
    columns: Collection[str] = (),
) -> Found:
    """What the file is taken for.

    The user's choice of form wins; else content that is plainly JSON decides, then the name, then whether
    `columns` of a table were asked for. Without a chosen delimiter, it is the one with which the first row has
    all `columns`, or else the most.
    """
    if form is None:
        form = "json" if is_json(data.head) else SUFFIXES.get(suffix(data.name))
    form = form or ("csv" if columns or delimiter else "text")
    sign = (delimiter or _delimiter(data, columns)) if form == "csv" else None
    return Found(form=form, encoding=data.encoding, delimiter=sign)


def table(data: Input, taken: Found) -> Table:
    """The file as a table."""
    return Table(data.text(newline=""), data.name, delimiter=taken.delimiter or ",")


def rows(data: Input, taken: Found) -> Iterator[Row]:
    """The rows of a file that is no table: lines of text, or JSON values."""
    if taken.form == "json":
        return values(data.text(newline="\n"), data.name)
    # Some programs end lines with a carriage return only; beside line feeds it is part of a line.
    return lines(data.text(newline="\n" if "\n" in data.head else None))


def checked_delimiter(sign: str | None) -> str | None:
    """A delimiter for the csv module; raises `PhoqueError` if it is not one character."""
    called = {name: one for one, name in NAMED.items()}
    plain = {"\\t": "\t", **called}.get(sign or "", sign)
    if plain is not None and (len(plain) != 1 or plain in '"\r\n\0'):
        raise PhoqueError(f"{sign!r} is not a delimiter. Give one character, such as ; or tab.")
    return plain


def _delimiter(data: Input, columns: Collection[str]) -> str:
    if stated := STATED.match(data.head):
        return stated[1]
    own = "\t" if suffix(data.name) == ".tsv" else ","
    # The delimiter of the file's name comes first and wins a tie.
    signs = sorted(DELIMITERS, key=lambda sign: sign != own)
    heads = {sign: _head(data.head, sign) for sign in signs}
    wanted = {one.strip() for one in columns}
    fitting = [sign for sign in signs if wanted and wanted <= {*heads[sign]}]
    return (fitting or [max(signs, key=lambda sign: len(heads[sign]))])[0]


def _head(text: str, delimiter: str) -> list[str]:
    csv.field_size_limit(LONGEST_CELL)
    shown = io.StringIO(text, newline="")
    return [one.strip() for one in next(filter(None, csv.reader(shown, delimiter=delimiter)), [])]
