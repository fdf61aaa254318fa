"""The run's moderation folder as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from phoque.errors import PhoqueError
from phoque.inputs.tables import whole_table
from phoque.run.directory import RunDirectory
from phoque.ui.folder import StageFolder

REPORT, RESULTS = "moderation_report.json", "moderation_results.csv"
SWEEP, CONTOUR = "moderation_sweep.json", "contour.json"
EXAMPLES = "gap_examples.csv"
STAGE = "moderation"
PRIMARY = "embedded.mean"
"""The moderator that pages begin with, where the run has it."""

Sheet = Mapping[str, Any]


@dataclass(frozen=True)
class ModerationFolder(StageFolder):
    """What `python -m training moderation` wrote."""

    @property
    def report(self) -> Mapping[str, Any]:
        """The report's numbers.

        Raises:
            PhoqueError: it is missing or cannot be read.
        """
        found: Mapping[str, Any] = self.read(REPORT)
        return found

    @property
    def stamp(self) -> tuple[tuple[str, int], ...]:
        """Changes when a file or what people said does."""
        labels = self.run.labels
        said = ((labels.name, labels.stat().st_mtime_ns),) if labels.is_file() else ()
        return super().stamp + said

    def table(self, name: str) -> Sequence[Mapping[str, str]]:
        """The rows of a CSV file.

        Raises:
            PhoqueError: it is missing.
        """
        if not self.has(name):
            raise PhoqueError(self.missing(name))
        path = self.path / name
        return _rows(path, path.stat().st_mtime_ns)


def moderation_folder(run: RunDirectory) -> ModerationFolder:
    """The folder of a run, whether or not it is there."""
    return ModerationFolder(run, STAGE)


@lru_cache(maxsize=8)
def _rows(path: Path, _changed: int) -> tuple[dict[str, str], ...]:
    with path.open("rb") as file:
        return tuple(whole_table(file, path.name))


def names(report: Mapping[str, Any]) -> list[str]:
    """Its moderators, the one that pages begin with first."""
    found = [one["id"] for one in report["declared"]]
    return sorted(found, key=lambda name: name != PRIMARY)


def sheet_of(report: Mapping[str, Any], name: str, test_set: str, *, canonical: bool) -> Sheet:
    """A moderator's data-sheet on one labelled set.

    Raises:
        KeyError: the report has none.
    """
    for sheet in report["data_sheets"]:
        if (sheet["classifier"], sheet["test_set"], sheet["canonical"]) == (
            name,
            test_set,
            canonical,
        ):
            found: Sheet = sheet
            return found
    raise KeyError(f"data-sheet of {name} on {test_set}")


def test_sets(report: Mapping[str, Any]) -> list[str]:
    """Names of the labelled sets, in the report's order."""
    return list(dict.fromkeys(sheet["test_set"] for sheet in report["data_sheets"]))
