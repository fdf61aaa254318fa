"""What the stages of a run wrote, as values that know the file and the key they were read from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from phoque.config import PACKAGE
from phoque.errors import PhoqueError
from phoque.files import file_sha256, json_lines, read_json
from phoque.inputs.tables import whole_table
from phoque.run.directory import RunDirectory

STAGE_OF = {"evaluation": "evaluate"}
"""Stages whose folder has another name."""


class Artefacts:
    """The complete stages of one run; each file is read once.

    Raises:
        PhoqueError: the folder is no run.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self.manifest: Mapping[str, Any] = run.manifest().model_dump(mode="json")
        self._read: dict[str, Value] = {}

    @property
    def stages(self) -> Mapping[str, Any]:
        """What the manifest says of every complete stage."""
        found: Mapping[str, Any] = self.manifest.get("stages", {})
        return found

    def has(self, file: str) -> bool:
        """Whether a complete stage wrote the file."""
        return file in self.stages.get(stage_of(file), {}).get("outputs", {})

    def read(self, file: str) -> "Value":
        """A JSON, JSON Lines or CSV file, by its path in the run.

        Raises:
            PhoqueError: it is missing, was changed since, or cannot be read; names the command.
        """
        if file not in self._read:
            self._check(file)
            try:
                self._read[file] = Value(_parse(self.run.path / file), file, self.command(file))
            except (OSError, ValueError, PhoqueError) as error:
                raise PhoqueError(
                    f"{file} cannot be read ({error}). Make it again with: {self.command(file)}"
                ) from error
        return self._read[file]

    def command(self, file: str) -> str:
        """What makes the file."""
        return f"python -m training {stage_of(file)} --run {shown_path(self.run.path)}"

    def _check(self, file: str) -> None:
        stage, path = stage_of(file), self.run.path / file
        if stage not in self.stages or not path.is_file():
            state = "is missing" if stage in self.stages else f"needs the stage {stage} complete"
            raise PhoqueError(f"{file} {state}. Fill it with: {self.command(file)}")
        if self.stages[stage].get("outputs", {}).get(file) != file_sha256(path):
            raise PhoqueError(
                f"{file} is not what the stage {stage} entered in the manifest: it was changed "
                f"since. Make it again with: {self.command(file)}"
            )


@dataclass(frozen=True)
class Value:
    """A value of a file, with its place."""

    data: Any
    file: str
    command: str
    key: str = ""
    """Path from the top of the file, such as `conditions.neutral.insulting`."""

    def at(self, *keys: str | int) -> "Value":
        """A value further down.

        Raises:
            PhoqueError: there is none.
        """
        found = self
        for key in keys:
            try:
                found = Value(found.data[key], self.file, self.command, found._below(key))
            except (KeyError, IndexError, TypeError):
                raise found._broken(f"has no {found._below(key)}") from None
        return found

    def has(self, key: str) -> bool:
        """Whether there is such a key, with a value."""
        return isinstance(self.data, dict) and self.data.get(key) is not None

    def items(self) -> Iterator[tuple[str, "Value"]]:
        """Keys and values of an object, which may not be empty."""
        if not isinstance(self.data, dict) or not self.data:
            raise self._broken(f"has no entries in {self.key or 'it'}")
        yield from ((key, self.at(key)) for key in self.data)

    def rows(self) -> list["Value"]:
        """Entries of a list, which may not be empty."""
        if not isinstance(self.data, list) or not self.data:
            raise self._broken(f"has no list of entries in {self.key or 'it'}")
        return [self.at(place) for place in range(len(self.data))]

    @property
    def number(self) -> float:
        """As a finite number."""
        if isinstance(self.data, bool) or not isinstance(self.data, (int, float)):
            raise self._broken(f"has {self.data!r:.40} in {self.key}, which is no number")
        if not isfinite(self.data):
            raise self._broken(f"has {self.data} in {self.key}")
        return float(self.data)

    @property
    def text(self) -> str:
        """As text."""
        return str(self.data)

    def numbers(self, column: str) -> list[float]:
        """One column of a list of entries."""
        return [row.at(column).number for row in self.rows()]

    def _below(self, key: str | int) -> str:
        if isinstance(key, int):
            return f"{self.key}[{key}]"
        return f"{self.key}.{key}" if self.key else key

    def _broken(self, what: str) -> PhoqueError:
        return PhoqueError(
            f"{self.file} {what}; it may come from another version. "
            f"Make it again with: {self.command}"
        )


def stage_of(file: str) -> str:
    """The stage that writes a file."""
    folder = file.split("/", 1)[0]
    return STAGE_OF.get(folder, folder)


def shown_path(path: Path) -> str:
    """A folder as a command in the project would name it, without the machine's own folders."""
    root, resolved = PACKAGE.parent.resolve(), path.resolve()
    return str(resolved.relative_to(root)) if resolved.is_relative_to(root) else path.name


def _parse(path: Path) -> Any:
    if path.suffix == ".jsonl":
        return list(json_lines(path))
    if path.suffix == ".csv":
        with path.open("rb") as file:
            rows = whole_table(file, path.name)
        return [{key: _cell(cell) for key, cell in row.items()} for row in rows]
    return read_json(path)


def _cell(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
