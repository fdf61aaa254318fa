"""What a training shows of itself, as JSON Lines that a page can read while they grow."""

import json
import resource
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import TrainerCallback

from phoque.files import read_json, write_json
from phoque.stages.adapter.lora import family_norms, lora_norms
from phoque.stages.adapter.registers import RegisterLoss
from phoque.stages.adapter.settings import Recording

METRICS, NORMS, SAMPLES = "metrics.jsonl", "norms.jsonl", "samples.jsonl"
FILES = (METRICS, NORMS, SAMPLES)
STATE = "curve.json"


class Shown(Protocol):
    """Anything else that is told every row."""

    def log(self, row: Mapping[str, Any]) -> None:
        """Take one row; it has a `step`."""


class Curve(TrainerCallback):
    """Appends loss, norms and sample replies to the files of an adapter's folder."""

    def __init__(
        self,
        folder: Path,
        recording: Recording,
        registers: RegisterLoss,
        *,
        attempt: int = 1,
        sample: Callable[[Any], list[dict[str, Any]]] | None = None,
        tracker: Shown | None = None,
    ) -> None:
        """Start anew: rows of an earlier training in the folder are gone.

        Args:
            folder: where the files are.
            recording: at which steps.
            registers: loss by register.
            attempt: number of this try at the training, from 1.
            sample: sample replies of the network, one row a condition.
            tracker: is told rows that no earlier attempt told it.
        """
        self._folder, self._recording, self._registers = folder, recording, registers
        self._sample = sample if recording.sample_steps else None
        self._attempt, self._tracker = attempt, tracker
        self._shown = _last_step(folder / METRICS) if attempt > 1 else 0
        self._start = time.monotonic()
        self._last = {"seconds": 0.0, "num_tokens": 0.0}
        for name in FILES:
            (folder / name).unlink(missing_ok=True)

    def save(self, folder: Path) -> None:
        """Copy the files to a checkpoint, and what lies between two rows."""
        _copy(self._folder, folder)
        state = {"seconds": self._seconds(), "last": self._last}
        write_json(folder / STATE, state | {"registers": self._registers.state()})

    def restore(self, folder: Path) -> None:
        """Go on from a checkpoint: the files are what they were there."""
        _copy(folder, self._folder)
        state = read_json(folder / STATE)
        self._start = time.monotonic() - state["seconds"]
        self._last = dict(state["last"])
        self._registers.restore(state["registers"])

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Norms and samples at their steps, and both, with the loss, at the last one."""
        last = state.global_step >= state.max_steps
        control.should_log = control.should_log or last
        if last or state.global_step % self._recording.norm_steps == 0:
            norms = family_norms(kwargs["model"])
            self._write(NORMS, {"step": state.global_step} | norms)
        if self._sample and (last or state.global_step % self._recording.sample_steps == 0):
            for row in self._sample(kwargs["model"]):
                self._write(SAMPLES, {"step": state.global_step} | row)

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """One row of loss; what the trainer sums up at the end is no step."""
        logs = kwargs.get("logs") or {}
        if "loss" not in logs:
            return
        row = {"step": state.global_step, "attempt": self._attempt, **self._pace(logs), **logs}
        row |= self._registers.means() | lora_norms(kwargs["model"])
        self._write(METRICS, row)
        self._recording.tell(_progress(row, state.max_steps))

    def _pace(self, logs: Mapping[str, Any]) -> dict[str, float]:
        now = {"seconds": self._seconds(), "num_tokens": float(logs["num_tokens"])}
        took, read = (now[key] - self._last[key] for key in ("seconds", "num_tokens"))
        self._last = now
        return {
            "seconds": round(now["seconds"], 2),
            "tokens_per_second": round(read / took, 1),
            "peak_memory_mb": round(peak_memory_mb(), 1),
        }

    def _seconds(self) -> float:
        return time.monotonic() - self._start

    def _write(self, name: str, row: Mapping[str, Any]) -> None:
        with (self._folder / name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        if self._tracker and row["step"] > self._shown:
            self._tracker.log(row)


def _copy(source: Path, target: Path) -> None:
    for name in FILES:
        if (source / name).is_file():
            shutil.copy2(source / name, target / name)


def _last_step(file: Path) -> int:
    lines = file.read_text(encoding="utf-8").rpartition("\n")[0] if file.is_file() else ""
    return int(json.loads(lines.rpartition("\n")[2])["step"]) if lines else 0


def _progress(row: Mapping[str, Any], steps: int) -> str:
    left = row["seconds"] / row["step"] * (steps - row["step"])
    pace = f"{row['tokens_per_second']:.0f} tokens/s"
    return f"step {row['step']} of {steps} · loss {row['loss']:.3f} · {pace} · {left / 60:.1f} min to go"


def peak_memory_mb() -> float:
    """Most memory ever held, in MB: of the GPU where there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    kibibytes = 1024 if sys.platform == "darwin" else 1
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / kibibytes
