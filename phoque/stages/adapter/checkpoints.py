"""Checkpoints of a training that is not complete: whole or absent, and of that training only."""

import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phoque.errors import PhoqueError
from phoque.files import read_json, write_json
from phoque.stages.adapter.processes import thrown_away

PREFIX = "checkpoint-"
PARTIAL = "partial"
MARKER = "complete.json"
"""Written last: the training, and the size of every other file."""
ATTEMPTS = "attempts.json"
KEPT = 2
"""Checkpoints that stay: the newest and, should that be damaged, the one before."""


@dataclass(frozen=True)
class Checkpoints:
    """A folder of checkpoints of one training."""

    folder: Path
    training: Mapping[str, Any]
    """All that decides what is learned, as plain JSON; equal for the same training."""
    keep: Callable[[], None] = lambda: None
    """Called when a checkpoint is whole."""
    writes: bool = True
    """False in processes that train along with the one that keeps the checkpoints."""

    @property
    def partial(self) -> Path:
        """Where a checkpoint is while it is being written."""
        return self.folder / PARTIAL

    def newest(self) -> Path | None:
        """The last whole checkpoint; half-written and damaged ones are passed over.

        Raises:
            PhoqueError: the checkpoints are of another training.
        """
        self._refuse_another(self._attempts().get("training"))
        whole = [folder for folder in self._all() if _is_whole(folder)]
        for folder in whole:
            self._refuse_another(read_json(folder / MARKER)["training"])
        return whole[-1] if whole else None

    @contextmanager
    def writing(self, step: int) -> Iterator[Path]:
        """Within the context, `checkpoint-STEP` is written to the folder it gets; then it is entered."""
        if not self.writes:
            with thrown_away() as folder:
                yield folder
            return
        shutil.rmtree(self.partial, ignore_errors=True)
        written = self.partial / f"{PREFIX}{step}"
        written.mkdir(parents=True)
        yield written
        sizes = {str(file.relative_to(written)): size for file, size in _sizes(written)}
        target = self.folder / written.name
        shutil.rmtree(target, ignore_errors=True)
        written.replace(target)
        write_json(target / MARKER, {"training": self.training, "sizes": sizes})
        for old in [one for one in self._all() if _is_whole(one)][:-KEPT]:
            shutil.rmtree(old)
        self.keep()

    def begin(self, step: int) -> dict[str, Any]:
        """Enter a new attempt, which starts after `step`; all that is known of the attempts."""
        known = self._attempts() or {
            "training": self.training,
            "run": secrets.token_hex(4),
            "attempts": [],
        }
        for earlier in known["attempts"]:
            earlier["outcome"] = earlier["outcome"] or "killed"
        started = datetime.now(UTC).isoformat(timespec="seconds")
        known["attempts"].append({"started": started, "from_step": step, "outcome": None})
        self._write(known)
        return known

    def stopped(self, step: int) -> None:
        """Enter that the last attempt ended because it was told to."""
        known = self._attempts()
        known["attempts"][-1] |= {"outcome": "stopped", "at_step": step}
        self._write(known)

    def remove(self) -> None:
        """Remove what was written here; the training is complete."""
        if not self.writes:
            return
        for folder in (*self._all(), self.partial):
            shutil.rmtree(folder, ignore_errors=True)
        (self.folder / ATTEMPTS).unlink(missing_ok=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _all(self) -> list[Path]:
        found = [one for one in self.folder.glob(f"{PREFIX}*") if one.name[len(PREFIX) :].isdigit()]
        return sorted(found, key=step_of)

    def _attempts(self) -> dict[str, Any]:
        file = self.folder / ATTEMPTS
        return dict(read_json(file)) if file.is_file() else {}

    def _write(self, known: Mapping[str, Any]) -> None:
        if not self.writes:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / ATTEMPTS, known)

    def _refuse_another(self, training: Mapping[str, Any] | None) -> None:
        if training is None or training == self.training:
            return
        keys = sorted(training.keys() | self.training.keys())
        differing = [key for key in keys if training.get(key) != self.training.get(key)]
        raise PhoqueError(
            f"The checkpoints in {self.folder} are of another training: {', '.join(differing)} "
            "differ. Remove that folder to start anew, or name another one: --checkpoints DIR."
        )


def step_of(checkpoint: Path | None) -> int:
    """Optimizer steps that were taken before it was written; 0 for none."""
    return int(checkpoint.name.removeprefix(PREFIX)) if checkpoint else 0


def _is_whole(folder: Path) -> bool:
    """Whether the marker is there and every file has the size it says."""
    try:
        expected = read_json(folder / MARKER)["sizes"]
    except (OSError, ValueError):
        return False
    found = {str(file.relative_to(folder)): size for file, size in _sizes(folder)}
    found.pop(MARKER, None)
    return bool(found == expected)


def _sizes(folder: Path) -> list[tuple[Path, int]]:
    return [(file, file.stat().st_size) for file in sorted(folder.rglob("*")) if file.is_file()]
