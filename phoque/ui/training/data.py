"""How a run was trained, as plain data."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from phoque.errors import PhoqueError
from phoque.files import json_lines, read_json
from phoque.pipeline.attempts import ATTEMPTS
from phoque.run.directory import MANIFEST, RunDirectory
from phoque.ui.folder import StageFolder, shown_path

METRICS, NORMS, SAMPLES = "metrics.jsonl", "norms.jsonl", "samples.jsonl"
COMPOSITION = "composition.json"
ADAPTERS = ("persona", "control")
RUNS = Path("runs")
"""Where runs of one's own are, below the folder the app was started in."""

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class TrainingFolder(StageFolder):
    """The stages that make a run: corpus, persona, control."""

    @property
    def command(self) -> str:
        """What makes them."""
        return f"phoque run all --run {shown_path(self.run.path)}"

    def training_command(self, *options: str) -> str:
        """What trains with options and makes all that depends on it; the shipped run stays as it is."""
        own = ["all", "--run", str(RUNS / "mine")]
        again = ["all", "--run", shown_path(self.run.path)]
        if self.manifest.get("stages", {}).get("corpus"):
            again += ["--from", ADAPTERS[0]]
        chosen = own if self.is_shipped else again
        return shlex.join(["phoque", "run", *chosen, *options])

    @property
    def stamp(self) -> tuple[tuple[str, int], ...]:
        """Changes when a file of any of these stages does."""
        files = [
            *self.run.path.glob(ATTEMPTS),
            *(f for s in ("corpus", *ADAPTERS) for f in (self.run.path / s).glob("*.json*")),
        ]
        return tuple((str(file), file.stat().st_mtime_ns) for file in sorted(files)) + super().stamp

    def named(self, name: str) -> str:
        """Its files lie in the folders of several stages."""
        return name

    def lines(self, stage: str, name: str) -> Rows:
        """A JSON Lines file of a stage; empty where there is none.

        Raises:
            PhoqueError: it cannot be read.
        """
        path = self.run.path / stage / name
        if not path.is_file():
            return ()
        try:
            return _lines(path, path.stat().st_mtime_ns)
        except PhoqueError as error:
            raise PhoqueError(self.broken(f"{stage}/{name}", error)) from error

    @property
    def composition(self) -> Mapping[str, Any]:
        """What the corpus is made of.

        Raises:
            PhoqueError: the run has no corpus, or its file cannot be read.
        """
        path = self.run.corpus / COMPOSITION
        if not path.is_file():
            raise PhoqueError(
                f"Not made: corpus/{COMPOSITION} is missing. Make it with: {self.command}"
            )
        try:
            found: Mapping[str, Any] = read_json(path)
        except ValueError as error:
            raise PhoqueError(self.broken(f"corpus/{COMPOSITION}", error)) from error
        return found

    @property
    def stages(self) -> Mapping[str, Mapping[str, Any]]:
        """Stages that are complete, by name.

        Raises:
            PhoqueError: there is no run.
        """
        if not self.manifest:
            raise PhoqueError(f"There is no run here yet. Make one with: {self.command}")
        found: Mapping[str, Mapping[str, Any]] = self.manifest["stages"]
        return found


def training_folder(run: RunDirectory) -> TrainingFolder:
    """How a run was trained; its numbers are those of the persona's stage."""
    return TrainingFolder(run, "persona")


def known_runs(shown: RunDirectory) -> dict[str, RunDirectory]:
    """The run that the page shows, then those in `runs`, by name."""
    found = {shown.path.name: shown}
    for manifest in sorted(RUNS.glob(f"*/{MANIFEST}")):
        found.setdefault(manifest.parent.name, RunDirectory(manifest.parent))
    return found


@lru_cache(maxsize=8)
def _lines(path: Path, _changed: int) -> tuple[dict[str, Any], ...]:
    return tuple(json_lines(path))
