"""Dotted paths into the records of a run, such as `judging.judgement.conditions.toxic.more_hostile`.

The first two names are folder and file. A key or a place in a list may stand in brackets:
`classifiers[embedded.mean]`, `flagged[0]`, `styles[name=polite]`. A value with a `$` is read from
another path: `layers[layer=$psm.summary.steer_layer]`.
"""

import pathlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import phoque.run
from phoque.errors import PhoqueError
from phoque.figures.figure import Kind, read_any
from phoque.run.folder import Reader, command, shown_path
from phoque.run.manifest import ROOT
from phoque.run.record import Record, Row

PIECE = re.compile(r"(?P<name>[A-Za-z_][\w-]*)|\[(?P<key>[^\[\]]+)\]")
BESIDE = "run"
"""Stands for files that lie in the run's own folder."""


@dataclass(frozen=True)
class Found:
    """A value and what it stands in, whose other fields may say its interval."""

    value: Any
    inside: Any
    name: str


@dataclass(frozen=True)
class Path:
    text: str
    kind: Kind
    steps: tuple[str, ...]

    @property
    def file(self) -> str:
        folder = "" if self.kind.STAGE in {"", ROOT} else f"{self.kind.STAGE}/"
        return folder + self.kind.FILE

    @property
    def field(self) -> str:
        """The path inside the file."""
        return re.sub(r"^[\w-]+\.[\w-]+\.?", "", self.text)

    def follow(self, reader: Reader) -> Found:
        """The value in a run.

        Raises:
            PhoqueError: the file or the entry is missing; says what makes it.
        """
        value: Any = read_any(self.kind, reader)
        found = Found(value, None, "")
        for step in self.steps:
            found = Found(self._next(found.value, step, reader), found.value, step)
        return found

    def _next(self, value: Any, step: str, reader: Reader) -> Any:
        try:
            if isinstance(value, Mapping):
                return value[step]
            if isinstance(value, Sequence):
                place = re.fullmatch(r"-?\d+", step)
                return value[int(step)] if place else _picked(value, step, reader)
            return getattr(value, step)
        except (LookupError, AttributeError, StopIteration):
            made = reader.folder(self.kind.STAGE).command
            if self.steps[:1] == ("stages",):  # of a manifest: then the stage itself is missing
                made = command(step, pathlib.Path(shown_path(reader.run.path)))
            told = f"Not measured: {self.file} has no {step}. Fill it with: {made}"
            raise PhoqueError(told) from None


def path(text: str) -> Path:
    """A path into a record; whether a run has what it leads to, `follow` finds out.

    Raises:
        PhoqueError: it has another form, or no record is called so.
    """
    pieces = [match.group("name") or match.group("key") for match in PIECE.finditer(text)]
    if "".join(PIECE.sub("", text).split(".")) or len(pieces) < 2:
        raise PhoqueError(f"The path {text!r} is not of the form folder.file.field.")
    return Path(text, kind_called(".".join(pieces[:2])), tuple(pieces[2:]))


def kind_called(name: str) -> Kind:
    """The record of a file, by its folder and its name without ending.

    Raises:
        PhoqueError: there is none.
    """
    if name not in _kinds():
        raise PhoqueError(f"No record is called {name!r}. Known: {', '.join(sorted(_kinds()))}.")
    return _kinds()[name]


@cache
def _kinds() -> dict[str, Kind]:
    for module in iter_modules(phoque.run.__path__):
        import_module(f"phoque.run.{module.name}")
    return {
        f"{kind.STAGE if kind.STAGE not in {'', ROOT} else BESIDE}.{kind.FILE.split('.')[0]}": kind
        for kind in (*_below(Record), *_below(Row))
        if hasattr(kind, "FILE") and hasattr(kind, "STAGE")
    }


def _below(kind: Any) -> Iterator[Any]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def _wanted(step: str) -> dict[str, str]:
    """Fields and values of `name=value,other=value`."""
    pairs = [one.partition("=") for one in step.split(",")]
    return {name.strip(): value.strip() for name, _, value in pairs}


def _picked(values: Sequence[Any], step: str, reader: Reader) -> Any:
    wanted = {
        name: str(path(value[1:]).follow(reader).value) if value.startswith("$") else value
        for name, value in _wanted(step).items()
    }
    return next(
        one
        for one in values
        if all(str(getattr(one, name)) == value for name, value in wanted.items())
    )
