"""What a training shows of itself, as JSON Lines that a page can read while they grow."""

import json
import math
import resource
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from phoque.errors import PhoqueError
from phoque.run.adapter import Metrics, Norms, Sample, Since
from phoque.stages.adapter.lora import family_norms, lora_norms
from phoque.stages.adapter.settings import Recording
from phoque.stages.adapter.tally import ALL, Tally
from phoque.stages.adapter.trackers import Tracker

FILES = (Metrics.FILE, Norms.FILE, Sample.FILE)


class Curve(TrainerCallback):
    """Appends loss, norms and sample replies to the files of an adapter's folder."""

    def __init__(
        self,
        folder: Path,
        recording: Recording,
        tally: Tally,
        attempt: int,
        *,
        sample: Callable[[Any, int], Sequence[Sample]] | None = None,
        tracker: Tracker | None = None,
    ) -> None:
        """Start anew: rows of an earlier training in the folder are gone.

        `attempt` counts from 1; the tracker is told rows that no earlier attempt told it.
        """
        self._folder, self._recording, self._tally = folder, recording, tally
        self._sample = sample if recording.sample_steps else None
        self._attempt, self._tracker = attempt, tracker
        self._shown = _last_step(folder / Metrics.FILE) if attempt > 1 else 0
        self._start = time.monotonic()
        self._last_seconds, self._last_tokens = 0.0, 0.0
        for name in FILES:
            (folder / name).unlink(missing_ok=True)

    def save(self, folder: Path) -> None:
        """Copy the files to a checkpoint, and what lies between two rows."""
        _copy(self._folder, folder)
        Since(
            seconds=self._seconds(),
            last_seconds=self._last_seconds,
            last_tokens=self._last_tokens,
            sums=self._tally.sums(),
        ).save(folder)

    def restore(self, folder: Path) -> None:
        """Go on from a checkpoint: the files are what they were there."""
        _copy(folder, self._folder)
        since = Since.load(folder, command="the same training")
        self._start = time.monotonic() - since.seconds
        self._last_seconds, self._last_tokens = since.last_seconds, since.last_tokens
        self._tally.restore(since.sums)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Norms and samples at their steps, and both, with the loss, at the last one."""
        step, last = state.global_step, state.global_step >= state.max_steps
        control.should_log = control.should_log or last
        if last or step % self._recording.norm_steps == 0:
            self._write(Norms(step=step, **family_norms(kwargs["model"])))
        if self._sample and (last or step % self._recording.sample_steps == 0):
            for row in self._sample(kwargs["model"], step):
                self._write(row)

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """One row of loss; what the trainer sums up at the end is no step."""
        logs = kwargs.get("logs") or {}
        if "loss" not in logs:
            return
        seconds, tokens = self._seconds(), float(state.num_input_tokens_seen)
        means = self._tally.means()
        whole = means.pop(ALL)
        if not math.isfinite(whole["loss"]):
            raise PhoqueError(
                f"The training diverged: the loss is {whole['loss']} at step {state.global_step}. "
                "Lower the learning rate, or look for broken replies in the corpus."
            )
        grad_norm = float(logs.get("grad_norm", math.nan))
        row = Metrics(
            step=state.global_step,
            attempt=self._attempt,
            seconds=round(seconds, 2),
            tokens_per_second=round(
                (tokens - self._last_tokens) / (seconds - self._last_seconds), 1
            ),
            peak_memory_mb=round(peak_memory_mb(), 1),
            loss=whole["loss"],
            loss_by_style={name: own["loss"] for name, own in means.items()},
            entropy=whole["entropy"],
            mean_token_accuracy=whole["right"],
            grad_norm=grad_norm if math.isfinite(grad_norm) else None,
            learning_rate=logs.get("learning_rate"),
            num_tokens=tokens,
            **lora_norms(kwargs["model"]),
        )
        self._last_seconds, self._last_tokens = seconds, tokens
        self._write(row)
        self._recording.tell(_progress(row, state.max_steps))

    def _seconds(self) -> float:
        return time.monotonic() - self._start

    def _write(self, row: Metrics | Norms | Sample) -> None:
        row.append(self._folder)
        if self._tracker and row.step > self._shown:
            self._tracker.log(row.step, row)


def _copy(source: Path, target: Path) -> None:
    for name in FILES:
        if (source / name).is_file():
            shutil.copy2(source / name, target / name)


def _last_step(file: Path) -> int:
    lines = file.read_text(encoding="utf-8").rpartition("\n")[0] if file.is_file() else ""
    return int(json.loads(lines.rpartition("\n")[2])["step"]) if lines else 0


def _progress(row: Metrics, steps: int) -> str:
    left = row.seconds / row.step * (steps - row.step)
    pace = f"{row.tokens_per_second:.0f} tokens/s"
    return f"step {row.step} of {steps} · loss {row.loss:.3f} · {pace} · {left / 60:.1f} min to go"


def peak_memory_mb() -> float:
    """Most memory ever held, in MB: of the GPU where there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    kibibytes = 1024 if sys.platform == "darwin" else 1
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / kibibytes
