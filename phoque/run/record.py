"""One typed record per file of a run: stages write it, pages, reports and the API read it.

A record says which stage's folder it lies in and what its file is called, once for writers and
readers: `class Selection(Record, file="psm/selection.json")`. A JSON file has its schema version: one of
another version is refused. A CSV or JSON Lines file has none: columns that are unknown or missing are refused.
"""

import csv
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import model_validator

from phoque.errors import PhoqueError
from phoque.files import numbered_json_lines, read_json, write_json, write_text
from phoque.inputs.tables import whole_table
from phoque.settings import Part as Part
from phoque.settings import reason as reason

Cells = dict[str, Any]
"""Of a line of a file, by the name of the column."""
VERSION_KEY = "schema_version"
UNREADABLE = (
    OSError,
    EOFError,
    zlib.error,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    PhoqueError,
)
"""What reading raises, and what `from_cells` raises where a row is none."""


def without(*fields: str) -> Any:
    """What leaves these fields out of a value that an earlier version wrote."""

    def current(cls: type, data: Any) -> Any:  # noqa: ARG001 (pydantic knows a class method by it)
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if name not in fields}

    return model_validator(mode="before")(current)


class Filed(Part):
    """What lies in a file of a run."""

    STAGE: ClassVar[str]
    """Folder in the run."""
    FILE: ClassVar[str]

    def __init_subclass__(cls, *, file: str = "", **more: Any) -> None:
        super().__init_subclass__(**more)
        if file:
            *folder, cls.FILE = file.rsplit("/", 1)
            if folder:
                (cls.STAGE,) = folder

    @classmethod
    def _path(cls, folder: Path, command: str) -> Path:
        """The file, which must be there."""
        path = folder / cls.FILE
        if not path.is_file():
            raise PhoqueError(f"{_named(path)} is missing. Make it with: {command}")
        return path


class Record(Filed):
    """The content of one JSON file of a stage."""

    VERSION: ClassVar[int] = 1

    def __init_subclass__(cls, *, version: int = 0, **more: Any) -> None:
        super().__init_subclass__(**more)
        cls.VERSION = version or cls.VERSION

    def save(self, folder: Path) -> None:
        """Write the file into a stage's folder, whole or not at all."""
        write_json(folder / self.FILE, {VERSION_KEY: self.VERSION, **self.model_dump(mode="json")})

    @classmethod
    def load(cls, folder: Path, *, command: str) -> Self:
        """Read the file of a stage's folder.

        Args:
            folder: of the stage.
            command: what makes the file, for whoever has to make it again.

        Raises:
            PhoqueError: the file is missing, damaged, or of another version; names file and field.
        """
        path = cls._path(folder, command)
        try:
            return cls.model_validate(cls._current(read_json(path)))
        except UNREADABLE as error:
            raise PhoqueError(broken(path, error, command)) from error

    @classmethod
    def load_if_there(cls, folder: Path, *, command: str) -> Self | None:
        """The same; None where there is no file.

        Raises:
            PhoqueError: it cannot be read.
        """
        return cls.load(folder, command=command) if (folder / cls.FILE).is_file() else None

    @classmethod
    def _current(cls, data: Any) -> Any:
        """The content of a file of this version."""
        version = data.pop(VERSION_KEY, None) if isinstance(data, dict) else None
        if version != cls.VERSION:
            seen = "no version" if version is None else f"version {version!r}"
            raise PhoqueError(f"it has {seen}, and only {cls.VERSION} is known here")
        return data


class Masked(Part):
    """What holds text of a model, and how much of it its stage replaced before it signed."""

    masked: int | None = None
    """Listed words that became [SLUR]; None where nobody looked."""


class Row(Filed):
    """One line of a CSV or JSON Lines file of a stage; its columns are the file's schema."""

    @classmethod
    def save_rows(cls, folder: Path, rows: Iterable[Self]) -> None:
        """Write the whole file."""
        write_text(folder / cls.FILE, cls._written([row.cells() for row in rows]))

    def append(self, folder: Path) -> None:
        """Add the row to the end of a JSON Lines file; what is not known is left out."""
        row = self.model_dump(mode="json", exclude_none=True)
        with (folder / self.FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")

    @classmethod
    def load_rows(cls, folder: Path, *, command: str) -> tuple[Self, ...]:
        """Read the whole file.

        Raises:
            PhoqueError: the file is missing or a row is not one; names file, row and field.
        """
        path, row = cls._path(folder, command), 0
        rows = []
        try:
            for row, data in cls._lines(path):  # noqa: B007  # the number is for the error
                rows.append(cls.model_validate(cls.from_cells(data)))
        except UNREADABLE as error:
            raise PhoqueError(broken(path, error, command, row=row)) from error
        return tuple(rows)

    def cells(self) -> Cells:
        """What stands in the file; a row whose columns are not its fields says so here."""
        return self.model_dump(mode="json")

    @classmethod
    def from_cells(cls, data: Any) -> Any:
        """What stands in the file, as fields: the way back from `cells`."""
        return data

    @classmethod
    def _written(cls, rows: list[Cells]) -> str:
        if not cls.FILE.endswith(".csv"):
            return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        text = StringIO()
        columns = [*dict.fromkeys(key for row in rows for key in row)] or list(cls.model_fields)
        # Unquoted, a carriage return in what a model wrote would end the row.
        writer = csv.DictWriter(text, columns, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()

    @classmethod
    def _lines(cls, path: Path) -> Iterator[tuple[int, Any]]:
        if not cls.FILE.endswith(".csv"):
            yield from numbered_json_lines(path)
            return
        with path.open("rb") as file:
            rows = whole_table(file, path.name)
            file.seek(0)
            head = file.readline()
        # Without rows nothing else would show that it is another file.
        if not rows and not _names(head) & {*cls.model_fields}:
            raise PhoqueError("its first row names no column that is known here")
        yield from enumerate(map(cls._told, rows), 1)

    @classmethod
    def _told(cls, cells: Mapping[str, str]) -> dict[str, str]:
        """Cells with a value; an empty one of a field with a default says nothing."""
        optional = {name for name, field in cls.model_fields.items() if not field.is_required()}
        return {name: cell for name, cell in cells.items() if cell or name not in optional}


def _names(head: bytes) -> set[str]:
    """Columns of the first line of a table; those of ours hold no comma."""
    return {name.strip(' "\r\n') for name in head.decode("utf-8-sig", errors="replace").split(",")}


def broken(path: Path, error: Exception, command: str, *, row: int = 0) -> str:
    """What is said of a file that cannot be read: file, field, and what to do."""
    at = f", row {row}" if row else ""
    return f"{_named(path)}{at} cannot be read: {reason(error)}. Make it again with: {command}"


def _named(path: Path) -> str:
    """A file as a person finds it in the run."""
    return f"{path.parent.name}/{path.name}"
