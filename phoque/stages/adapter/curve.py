"""What a training shows of itself, as JSON Lines that a page can read while they grow, and in trackers.

Shapes: B = examples in a batch, S = tokens.
"""

import json
import math
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from transformers import TrainerCallback

from phoque.config import this_process
from phoque.errors import PhoqueError
from phoque.run.adapter import Metrics, Norms, Sample, Since
from phoque.run.record import Row
from phoque.stages.adapter.lora import family_norms, lora_norms
from phoque.stages.adapter.processes import total
from phoque.stages.adapter.settings import Recording

ALL = ""
"""Stands for replies of every style."""
TOKENS, *SUMMED = COUNTED = ("tokens", "loss", "entropy", "right")
Sums = dict[str, dict[str, float]]
"""By style: learned tokens, and sums over them."""


class Tally:
    """Listens to the forward passes of a training and adds up since the last row of the curve."""

    def __init__(self, tokens: Sequence[Sequence[int]], styles: Sequence[str | None]) -> None:
        """`tokens` are those of each example, by which it is known again in a batch."""
        pairs = zip(tokens, styles, strict=True)
        self._style = {tuple(own): name for own, name in pairs if name}
        self._names = [ALL, *sorted(set(self._style.values()))]
        self._own = self._nothing()

    def listen(self, model: nn.Module) -> None:
        """Be told of every forward pass."""
        model.register_forward_hook(
            lambda module, _, inputs, output: (
                self._hear(inputs, output) if module.training else None
            ),
            with_kwargs=True,
        )

    def sums(self) -> Sums:
        """Over all processes; all of them have to ask."""
        flat = iter(total([own[key] for own in self._own.values() for key in COUNTED]))
        return {name: {key: next(flat) for key in COUNTED} for name in self._names}

    def restore(self, sums: Sums) -> None:
        """Go on from earlier sums; the first process goes on for all."""
        if this_process().first:
            self._own = {name: dict(own) for name, own in sums.items()}

    def means(self) -> Sums:
        """Means over learned tokens of the styles that were learned, since the last call."""
        sums = self.sums()
        self._own = self._nothing()
        return {
            name: {key: own[key] / own[TOKENS] for key in SUMMED}
            for name, own in sums.items()
            if own[TOKENS]
        }

    def _nothing(self) -> Sums:
        return {name: dict.fromkeys(COUNTED, 0.0) for name in self._names}

    def _hear(self, inputs: Mapping[str, Tensor], output: Any) -> None:
        # All but the mask are 0 where nothing is learned.
        counted = (output.label_mask, -output.log_probs, output.entropy, output.is_top1)
        sums = [one.detach().double().sum(-1).tolist() for one in counted]
        kept_BS = inputs["attention_mask"].bool()
        for ids_S, kept_S, values in zip(
            inputs["input_ids"], kept_BS, zip(*sums, strict=True), strict=True
        ):
            for name in {ALL, self._style.get(tuple(ids_S[kept_S].tolist()), ALL)}:
                own = self._own[name]
                for key, value in zip(COUNTED, values, strict=True):
                    own[key] += value


TRACKERS = ("trackio", "wandb")
PROJECT = "what-the-phoque"
"""What a tracker calls the runs together."""


def tracking_service(name: str) -> ModuleType:
    """The library of a tracker; PhoqueError where there is none or it is not installed."""
    if name not in TRACKERS:
        raise PhoqueError(f"There is no tracker {name}. Known: {', '.join(TRACKERS)}.")
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise PhoqueError(f"The tracker {name} is not installed: pip install {name}") from error


class Tracker:
    """A run in a tracker; an attempt with the same id goes on with the same curve."""

    def __init__(self, service: ModuleType, run: str, config: Mapping[str, str | float]) -> None:
        self._service: Any = service
        # What trackio tells runs apart by is the name, for W&B it is the id.
        known_by = {"name": run} if service.__name__ == "trackio" else {"name": run, "id": run}
        self._service.init(project=PROJECT, resume="allow", config=dict(config), **known_by)

    def log(self, step: int, row: Row) -> None:
        self._service.log(dict(_numbers(row.model_dump())), step=step)

    def finish(self) -> None:
        self._service.finish()


def _numbers(row: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, float]]:
    """The numbers of a row by name, those of a table in it as `TABLE/NAME`; no texts."""
    prefix += f"{row['condition']}/" if "condition" in row else ""
    for key, value in row.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{key}/")
        elif isinstance(value, int | float) and key != "step":
            yield prefix + key, value


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
