"""One stage's folder in a run as plain data. What is not there says which command makes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from phoque.config import PACKAGE, SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.files import read_json
from phoque.run.directory import MANIFEST, RunDirectory

SHORT_COMMIT = 9

Shape = (KeyError, TypeError, IndexError, ValueError, AttributeError, ZeroDivisionError)
"""What reading a file of another shape than expected raises."""


@dataclass(frozen=True)
class StageFolder:
    """What one stage of a run wrote."""

    run: RunDirectory
    name: str
    """Folder name."""

    @property
    def path(self) -> Path:
        """Where the files are."""
        return self.run.path / self.name

    @property
    def command(self) -> str:
        """What fills the folder."""
        return f"python -m training {self.name} --run {shown_path(self.run.path)}"

    @property
    def is_shipped(self) -> bool:
        """Whether this comes with the project."""
        return self.run.path.resolve() == SHIPPED_RUN.resolve()

    @property
    def is_unfinished(self) -> bool:
        """Whether the stage still goes on, or was cut."""
        return False

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """What the run says of itself; empty where there is no run."""
        return self.run.manifest().model_dump(mode="json") if self.run.exists() else {}

    @property
    def stage(self) -> Mapping[str, Any]:
        """What the manifest says of how the folder was made; empty while it is not complete."""
        found: Mapping[str, Any] = self.manifest.get("stages", {}).get(self.name, {})
        return found

    @property
    def stamp(self) -> tuple[tuple[str, int], ...]:
        """Changes when a file does."""
        files = sorted(self.path.glob("*")) if self.path.is_dir() else []
        files += [self.run.path / MANIFEST] if self.run.exists() else []
        return tuple((file.name, file.stat().st_mtime_ns) for file in files)

    def named(self, name: str) -> str:
        """A file of the folder as a person finds it in the run."""
        return f"{self.name}/{name}"

    def has(self, name: str) -> bool:
        """Whether a file is there."""
        return (self.path / name).is_file()

    def read(self, name: str) -> Any:
        """A JSON file of the folder.

        Raises:
            PhoqueError: it is missing or cannot be read; says what makes it.
        """
        if not self.has(name):
            raise PhoqueError(self.missing(name))
        try:
            return read_json(self.path / name)
        except (OSError, ValueError) as error:
            raise PhoqueError(self.broken(name, error)) from error

    def known(self, name: str) -> Mapping[str, Any]:
        """The same, empty where it cannot be read."""
        try:
            found: Mapping[str, Any] = self.read(name)
        except PhoqueError:
            return {}
        return found if isinstance(found, dict) else {}

    def broken(self, name: str, error: Exception) -> str:
        """What is said of a file that this page cannot read."""
        kind = type(error).__name__
        return (
            f"{self.named(name)} cannot be read here ({kind}: {error}). It may come from another "
            f"version. Make it again with: {self.command}"
        )

    def missing(self, name: str) -> str:
        """What is said of a file that is not there."""
        state = "The measurement has not got there yet" if self.is_unfinished else "Not measured"
        return f"{state}: {self.named(name)} is missing. Fill it with: {self.command}"

    def facts(self) -> dict[str, str]:
        """Where its numbers come from, by the name of the fact; a dash where nobody says."""
        stage = self.stage
        return {
            "Model": str(self.manifest.get("model") or "–"),
            "Run": self.run.path.name,
            "Seeds": ", ".join(map(str, stage.get("seeds") or ())) or "–",
            "Commit": str(stage.get("commit") or "")[:SHORT_COMMIT] or "not in the manifest yet",
            "Finished": str(stage.get("finished") or "not finished"),
        }


def shown_path(path: Path) -> str:
    """A folder as a command in the project would name it, without the machine's own folders."""
    root = PACKAGE.parent.resolve()
    resolved = path.resolve()
    return str(resolved.relative_to(root)) if resolved.is_relative_to(root) else path.name
