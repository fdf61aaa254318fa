"""Time the training of the lab model: ours beside a plain TRL script with the same settings.

Both have the same weights, token ids, LoRA, optimizer, schedule, seed and order of the data, each in
a process of its own, in turns. Ours also writes the checkpoints, norms and curve of a run:
- `tokens/s`, and ours over the peer's;
- `peak MB` of the process, and ours over the peer's;
- `loss`, which must be the same training's.

Usage: python benchmarks/bench_train.py [--steps 40] [--rounds 3]
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from machine import Watch, in_turns, ratios

from phoque.config import SHIPPED_RUN
from phoque.models.load import load_model
from phoque.run.adapter import Metrics
from phoque.run.directory import RunDirectory
from phoque.stages.adapter.curve import peak_memory_mb
from phoque.stages.adapter.examples import in_order, tokenized
from phoque.stages.adapter.settings import AdapterConfig, Example
from phoque.stages.adapter.stage import examples as learned
from phoque.stages.adapter.training import train_adapter

HERE = Path(__file__).parent
PEER = HERE / "train_peer.py"
CONFIG = AdapterConfig(logging_steps=1)
"""A row a step: a row of several weighs each token alike, the peer's mean each step."""
OURS, TRL = "ours", "plain TRL"
Found = dict[str, float]


def examples(steps: int) -> list[Example]:
    """Examples of the shipped corpus for `steps`, drawn with a seed."""
    known = learned(RunDirectory(SHIPPED_RUN).corpus, "persona", AdapterConfig())
    return random.Random(CONFIG.seed).sample(known, steps * CONFIG.batch_size)


def ours(steps: int, folder: Path) -> Found:
    """One training of ours in this process."""
    train_adapter(load_model("lab", device="cpu"), examples(steps), folder, CONFIG)
    lines = (folder / Metrics.FILE).read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    ends = [0, *(row["step"] for row in rows)]
    summed = sum(
        row["loss"] * (end - start) for row, start, end in zip(rows, ends, ends[1:], strict=False)
    )
    return {
        "tokens": rows[-1]["num_tokens"],
        "seconds": rows[-1]["seconds"],
        "loss": summed / ends[-1],
        "peak_mb": peak_memory_mb(),
    }


def write_task(steps: int, scratch: Path) -> Path:
    """Write the peer's task to a file."""
    base = load_model("lab", device="cpu")
    settings = asdict(CONFIG) | {"out": str(scratch), "bf16": base.model.dtype == torch.bfloat16}
    rows = in_order([tokenized(base, example) for example in examples(steps)], CONFIG)
    task = {"folder": base.source, "rows": rows, "settings": settings}
    file = scratch / "task.json"
    file.write_text(json.dumps(task), encoding="utf-8")
    return file


def measured(command: Sequence[str | Path]) -> Found:
    """The last line that a process prints."""
    done = subprocess.run(
        [sys.executable, *map(str, command)], stdout=subprocess.PIPE, text=True, check=True
    )
    found: Found = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(steps: int, rounds: int) -> dict[str, Any]:
    """All figures; medians over rounds, each of which begins with the other side."""
    with tempfile.TemporaryDirectory() as scratch:
        sides = {
            OURS: [__file__, "--steps", str(steps), "--ours"],
            TRL: [PEER, write_task(steps, Path(scratch))],
        }
        calls = {side: partial(measured, command) for side, command in sides.items()}
        found = in_turns(calls, rounds)
    return {
        "threads": torch.get_num_threads(),
        "steps": steps,
        "tokens": found[OURS][0]["tokens"],
        "rounds": rounds,
        **compared(
            "tokens/s", {s: [o["tokens"] / o["seconds"] for o in f] for s, f in found.items()}
        ),
        **compared("peak MB", {s: [one["peak_mb"] for one in f] for s, f in found.items()}),
        **{f"{side}, loss": own[0]["loss"] for side, own in found.items()},
    }


def compared(what: str, values: dict[str, list[float]]) -> dict[str, Any]:
    """Medians of both sides, and of the rounds' ratios with the lowest and the highest."""
    medians = {f"{side}, {what}": median(own) for side, own in values.items()}
    return medians | ratios(f"ours / TRL, {what}", values[OURS], values[TRL])


def main() -> None:
    """On a CPU: print the figures and append them to `benchmarks/results.jsonl`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--ours", action="store_true", help="only one training of ours, as JSON")
    arguments = parser.parse_args()
    if torch.cuda.is_available():
        raise SystemExit("This compares trainings on a CPU: hide the GPU, CUDA_VISIBLE_DEVICES=''.")
    if arguments.ours:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(ours(arguments.steps, Path(folder))))
        return
    watch = Watch("train")
    watch.record(measure(arguments.steps, arguments.rounds))


if __name__ == "__main__":
    main()
