"""The run's SAE folder as plain data."""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from phoque.errors import PhoqueError
from phoque.inputs.tables import whole_table
from phoque.run.directory import RunDirectory
from phoque.ui.folder import StageFolder

# The names that `phoque.stages.sae` writes; it loads torch, so they are repeated here.
STAGE = "sae"
REPORT, FEATURES = "sae_comparison_report.json", "features.csv"
CONTEXTS, PROMPTS = "contexts.jsonl.gz", "prompts.csv"
PAGE, UNFINISHED = "sae_report.html", "unfinished.json"
REMAINDER = "R"
"""What no latent expresses of the change, as if it were a latent."""
BADGES = ("fdr", "control", "half", "dose", "stable", "linear", "screen", "toward", "away")
VERDICTS = ("driver", "protective", "marker", "unproven")

Latent = Mapping[str, str]


@dataclass(frozen=True)
class SaeFolder(StageFolder):
    """What `phoque run sae` wrote."""

    @property
    def is_unfinished(self) -> bool:
        """Whether the stage still goes on, or was cut."""
        return self.has(UNFINISHED)

    @property
    def report(self) -> Mapping[str, Any]:
        """The report's numbers.

        Raises:
            PhoqueError: it is missing or cannot be read.
        """
        found: Mapping[str, Any] = self.read(REPORT)
        return found

    def table(self, name: str) -> Sequence[Mapping[str, str]]:
        """The rows of a CSV file.

        Raises:
            PhoqueError: it is missing.
        """
        path = self._present(name)
        return _rows(path, path.stat().st_mtime_ns)

    @property
    def evidence(self) -> Mapping[str, Mapping[str, Any]]:
        """What is seen of each latent that is shown, by its number.

        Raises:
            PhoqueError: it is missing.
        """
        path = self._present(CONTEXTS)
        return _evidence(path, path.stat().st_mtime_ns)

    @property
    def latents(self) -> list[Latent]:
        """Rows of the latents that have evidence, the largest effects first.

        Raises:
            PhoqueError: a file is missing.
        """
        shown = self.evidence
        return [row for row in self.table(FEATURES) if row["latent"] in shown]

    def _present(self, name: str) -> Path:
        if not self.has(name):
            raise PhoqueError(self.missing(name))
        return self.path / name


def sae_folder(run: RunDirectory) -> SaeFolder:
    """The folder of a run, whether or not it is there."""
    return SaeFolder(run, STAGE)


def badges_of(row: Latent) -> list[str]:
    """The conditions that a latent meets."""
    return [badge for badge in BADGES if badge in row["badges"].split(";")]


@lru_cache(maxsize=8)
def _rows(path: Path, _changed: int) -> tuple[dict[str, str], ...]:
    with path.open("rb") as file:
        return tuple(whole_table(file, path.name))


@lru_cache(maxsize=2)
def _evidence(path: Path, _changed: int) -> dict[str, dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return {one["latent"]: one for one in map(json.loads, file)}
