"""A stage's folder in a run: what it holds as records, who made it, and what makes it again."""

import shlex
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from phoque.config import PACKAGE, ships
from phoque.errors import PhoqueError
from phoque.files import file_sha256
from phoque.run.directory import MANIFEST, RunDirectory
from phoque.run.manifest import ROOT, Made
from phoque.run.record import Record, Row

R = TypeVar("R", bound=Record)
L = TypeVar("L", bound=Row)
UNFINISHED = "unfinished.json"
PRESSURE = "pressure"
"""Made by a command of its own."""
STAGE_OF = {"evaluation": "evaluate", "synthetic": "regenerate"}
"""Stages whose folder has another name."""
TOOLS = {"judging": "blind_readings.py", "bad_plans": "bad_plans.py", "pairs": "blind_pairs.py"}
"""What makes the stages that people, or a language model in their place, have to read for."""


def command(stage: str, run: Path, *options: str) -> str:
    """What a person types to make a stage of a run, whose folder is as they named it."""
    return shlex.join(["phoque", "run", stage, "--run", str(run), *options])


def shown_path(path: Path) -> str:
    """A folder as a command in the project would name it, without the machine's own folders."""
    root, resolved = PACKAGE.parent.resolve(), path.resolve()
    return str(resolved.relative_to(root)) if resolved.is_relative_to(root) else path.name


@dataclass(frozen=True)
class StageFolder:
    """What one stage of a run wrote."""

    run: RunDirectory
    name: str
    """Folder name."""
    signed: bool = False
    """Refuse files that the manifest does not know as they are."""

    @property
    def path(self) -> Path:
        return self.run.path / self.name

    @property
    def stage(self) -> str:
        """What the stage is called."""
        return STAGE_OF.get(self.name, self.name)

    @property
    def command(self) -> str:
        """What fills the folder; what lies beside the folders comes from people on the page."""
        run = shown_path(self.run.path)
        if self.name == PRESSURE and self.is_shipped:  # its own report is signed, and stays
            name = self.run.path.name
            return f"{shlex.join(['cp', '-r', run, name])} && {shlex.join(['phoque', PRESSURE, '--run', name])}"
        if self.name in ("", PRESSURE):
            return shlex.join(["phoque", self.name or "demo", "--run", run])
        if self.name in TOOLS:
            tool = f"tools/{TOOLS[self.name]}"
            beside = ["--against", "OTHER_RUN"] * (self.name == "pairs")
            return shlex.join(["python", tool, "draw", "--run", run, *beside, "--out", "sheets"])
        stage, _, other = self.stage.partition("psm-")
        if other:
            return command("psm", Path(run), "--persona", other)
        return command("all" if self.name == ROOT else stage, Path(run))

    @property
    def is_shipped(self) -> bool:
        """Whether this comes with the project."""
        return ships(self.run.path)

    @property
    def is_unfinished(self) -> bool:
        """Whether the stage still goes on, or was cut."""
        return self.has(UNFINISHED)

    @cached_property
    def made(self) -> Made:
        """What the manifest says of how the folder was made; empty while it is not complete."""
        return self.run.known().stages.get(self.stage) or Made()

    @property
    def stamp(self) -> tuple[tuple[str, int], ...]:
        """Changes when a file does."""
        files = [*sorted(self.path.glob("*")), self.run.path / MANIFEST]
        found = []
        for file in files:
            with suppress(OSError):  # it may go while we look
                found.append((file.name, file.stat().st_mtime_ns))
        return tuple(found)

    def named(self, name: str) -> str:
        """A file of the folder as a person finds it in the run."""
        return Path(self.name, name).as_posix()

    def has(self, name: str) -> bool:
        return (self.path / name).is_file()

    def read(self, kind: type[R]) -> R:
        """A JSON file of the folder.

        Raises:
            PhoqueError: it is missing, was changed, or cannot be read; says what makes it.
        """
        self._check(kind.FILE)
        return kind.load(self.path, command=self.command)

    def rows(self, kind: type[L]) -> tuple[L, ...]:
        """A CSV or JSON Lines file of the folder.

        Raises:
            PhoqueError: it is missing, was changed, or cannot be read; says what makes it.
        """
        self._check(kind.FILE)
        return kind.load_rows(self.path, command=self.command)

    def facts(self) -> dict[str, str]:
        """Where its numbers come from, by the name of the fact; a dash where nobody says."""
        of_run = {"Model": self.run.known().model, "Run": self.run.path.name}
        if self.name == ROOT:
            return of_run
        return of_run | {
            "Seeds": ", ".join(map(str, self.made.seeds)) or "–",
            "Commit": self.made.code or "not in the manifest yet",
            "Finished": self.made.finished or "not finished",
        }

    def _check(self, name: str) -> None:
        file, entered = self.named(name), self.made.outputs
        if not self.has(name):
            waits = "The measurement has not got there yet"
            state = waits if self.is_unfinished else "Not measured"
            raise PhoqueError(f"{state}: {file} is missing. Fill it with: {self.command}")
        if not self.signed or self.name in ("", ROOT):
            return
        if self.run.exists():
            self.run.manifest()  # a damaged one is named
        if not entered:
            raise PhoqueError(
                f"{file} needs the stage {self.stage} complete. Fill it with: {self.command}"
            )
        if entered.get(file) != file_sha256(self.run.path / file):
            raise PhoqueError(
                f"{file} is not what the stage {self.stage} entered in the manifest: "
                f"it was changed since. Make it again with: {self.command}"
            )


@dataclass(frozen=True)
class Reader:
    """Reads the records of a run, each from the folder of its stage."""

    run: RunDirectory
    psm: str = "psm"
    """Whose PSM is meant: `psm` is the run's own persona, `psm-x` is persona x."""
    signed: bool = False

    def folder(self, stage: str) -> StageFolder:
        return StageFolder(self.run, self.psm if stage == "psm" else stage, signed=self.signed)

    def read(self, kind: type[R]) -> R:
        """See `StageFolder.read`."""
        return self.folder(kind.STAGE).read(kind)

    def rows(self, kind: type[L]) -> tuple[L, ...]:
        """See `StageFolder.rows`."""
        return self.folder(kind.STAGE).rows(kind)
