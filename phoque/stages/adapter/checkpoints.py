"""Checkpoints of a training that is not complete: whole or absent, and of that training only."""

import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.run.adapter import Identity, Marker, TrainingAttempt, TrainingAttempts

PREFIX = "checkpoint-"
PARTIAL = "partial"
KEPT = 2
"""Checkpoints that stay: the newest and, should that be damaged, the one before."""
AGAIN = "the same command, without what is in this folder"


@dataclass(frozen=True)
class Checkpoints:
    """A folder of checkpoints of one training."""

    folder: Path
    training: Identity
    keep: Callable[[], None] = lambda: None
    """Called when a checkpoint is whole."""
    writes: bool = True
    """False in processes that train along with the one that keeps the checkpoints."""

    @property
    def partial(self) -> Path:
        """Where a checkpoint is while it is being written."""
        return self.folder / PARTIAL

    def written(self, step: int) -> Path:
        """Where the trainer writes a checkpoint."""
        return self.partial / f"{PREFIX}{step}"

    def place(self, step: int) -> Path:
        """Where it is from then on."""
        return self.folder / f"{PREFIX}{step}"

    def newest(self) -> Path | None:
        """The last whole checkpoint; PhoqueError where there are some of another training.

        Half-written and damaged ones are passed over.
        """
        whole = {folder: marker for folder in self._all() if (marker := _marker(folder))}
        known = self._known()
        for training in ([known.training] if known else []) + [m.training for m in whole.values()]:
            if differing := self.training.differing(training):
                raise PhoqueError(
                    f"The checkpoints in {self.folder} are of another training: "
                    f"{', '.join(differing)} differ. Remove that folder to start anew, or name "
                    "another one: --checkpoints DIR."
                )
        return max(whole, key=step_of, default=None)

    def begin(self, step: int) -> TrainingAttempts:
        """Enter a new attempt, which starts after `step`; all that is known of the attempts."""
        known = self._known() or TrainingAttempts(training=self.training, run=secrets.token_hex(4))
        earlier = [
            one if one.outcome else one.model_copy(update={"outcome": "killed"})
            for one in known.attempts
        ]
        started = datetime.now(UTC).isoformat(timespec="seconds")
        own = TrainingAttempt(started=started, from_step=step)
        known = known.model_copy(update={"attempts": (*earlier, own)})
        if self.writes:
            shutil.rmtree(self.partial, ignore_errors=True)
            self.folder.mkdir(parents=True, exist_ok=True)
            known.save(self.folder)
        return known

    def enter(self, step: int) -> None:
        """What was written to `partial` is a checkpoint, whole from now on."""
        written, target = self.written(step), self.place(step)
        shutil.rmtree(target, ignore_errors=True)
        written.replace(target)
        Marker(training=self.training, sizes=_sizes(target)).save(target)
        for old in [one for one in self._all() if _marker(one)][:-KEPT]:
            shutil.rmtree(old)
        self.keep()

    def stopped(self, step: int) -> None:
        """Enter that the last attempt ended because it was told to."""
        if not self.writes or not (known := self._known()):
            return
        *earlier, own = known.attempts
        own = own.model_copy(update={"outcome": "stopped", "at_step": step})
        known.model_copy(update={"attempts": (*earlier, own)}).save(self.folder)

    def remove(self) -> None:
        """Remove what was written here; the training is complete."""
        if not self.writes:
            return
        for folder in (*self._all(), self.partial):
            shutil.rmtree(folder, ignore_errors=True)
        (self.folder / TrainingAttempts.FILE).unlink(missing_ok=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _all(self) -> list[Path]:
        found = [one for one in self.folder.glob(f"{PREFIX}*") if one.name[len(PREFIX) :].isdigit()]
        return sorted(found, key=step_of)

    def _known(self) -> TrainingAttempts | None:
        return TrainingAttempts.load_if_there(self.folder, command=AGAIN)


def step_of(checkpoint: Path | None) -> int:
    """Optimizer steps that were taken before it was written; 0 for none."""
    return int(checkpoint.name.removeprefix(PREFIX)) if checkpoint else 0


def _marker(folder: Path) -> Marker | None:
    """What was written last, if every file has the size that it says."""
    try:
        marker = Marker.load_if_there(folder, command=AGAIN)
    except PhoqueError:
        return None
    return marker if marker and marker.sizes == _sizes(folder) else None


def _sizes(folder: Path) -> dict[str, int]:
    files = [file for file in folder.rglob("*") if file.is_file() and file.name != Marker.FILE]
    return {str(file.relative_to(folder)): file.stat().st_size for file in files}
