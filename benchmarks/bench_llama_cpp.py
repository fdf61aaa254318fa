"""Time three columns in one batch beside llama.cpp, which writes three replies one after another.

Both sides use the run's tuned model, the same prompt tokens and lengths, and greedy decoding; the
third reply uses the exported control vector. Everything is measured in turns in one run:
- `columns / llama.cpp TYPE`: our whole call over its three, with its weights in that type;
- `step`: one more token in all three columns;
- `first token`: seconds until all three columns have one; llama.cpp begins its third reply when two
  are written. `prompts read` is its time for the three prompts alone.

`--agreement TYPE` checks instead whether both sides write the same text (`llama_agreement.py`).

llama.cpp is not a dependency: it is built into `.bench` on first use, which takes about 9 minutes on
two cores, or taken from `--peer-python`. It runs in a process of its own.

Usage: python benchmarks/bench_llama_cpp.py [--run DIR] [--threads 2] [--rounds 5]
           [--peer-python PATH] [--agreement f16]
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from bench_decode import rows_of
from llama_agreement import agreement
from llama_files import control_vector, folder_for, full_model
from machine import BENCH, Figures, Watch, in_turns, last_line, ratios

from phoque.config import SHIPPED_RUN
from phoque.conversation import Sampling
from phoque.lab import Lab
from phoque.models.engine import Row, decode
from phoque.models.load import LanguageModel
from phoque.models.template import encode
from phoque.opening import open_lab
from phoque.run.directory import RunDirectory
from phoque.steering.export import write_gguf

HERE = Path(__file__).parent
PACKAGE = "llama-cpp-python==0.3.36"
TYPES = ("f16", "bf16", "q8_0", "q4_1")
"""Types of llama.cpp's weights; llama.cpp makes the others from fp16."""
TOKENS = 48


@dataclass(frozen=True, kw_only=True)
class Times:
    """Seconds of three replies."""

    first: float
    """Until all three have their first token."""
    total: float
    step: float
    """For another token in all three."""
    prompts: float
    """For reading the prompts only."""


def built() -> Path:
    """The interpreter of an environment with llama.cpp, which is built once."""
    folder = BENCH / PACKAGE
    done = folder / ".installed"
    python = folder / "bin" / "python"
    if not done.exists():
        print(f"Building {PACKAGE}, once; this takes about 9 minutes on two cores…", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PACKAGE], check=True)
        done.touch()
    return python


class Peer:
    """llama.cpp's process with the files of a run."""

    def __init__(self, process: subprocess.Popen[str], folder: Path, log: Path) -> None:
        self._process = process
        self._folder = folder
        self._log = log
        self.built = self._answer()["built"].strip(" |")

    def ask(self, work: str, kind: str, **more: Any) -> dict[str, Any]:
        """One answer of `llama_peer.py`, with weights of a type."""
        file = str(self._folder / f"{kind}.gguf")
        request = {"work": work, "file": file, "exact": kind == "f32", **more}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if not line:
            last = last_line(self._log.read_text())
            raise SystemExit(f"llama.cpp fails (status {self._process.wait()}): {last}")
        return json.loads(line)

    def make(self, kind: str) -> None:
        """Make a smaller file from the one in fp16, once."""
        path = self._folder / f"{kind}.gguf"
        if not path.exists():
            partial = path.with_suffix(".partial")
            self.ask("quantize", "f16", out=str(partial), type=kind)
            partial.rename(path)


@contextmanager
def started(python: Path, folder: Path) -> Iterator[Peer]:
    """The peer's process."""
    log = folder / "log.txt"
    command = [python, HERE / "llama_peer.py"]
    pipe = subprocess.PIPE
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=errors, text=True) as process,
    ):
        yield Peer(process, folder, log)


def exported(lab: Lab, folder: Path) -> str:
    """The selected vector, exported and read as llama.cpp reads it."""
    path = folder / "persona_vector.gguf"
    write_gguf(lab.vectors[lab.selection.layer], path, model_type="llama")
    rows = control_vector(path, lab.model.num_layers, lab.selection.scale)
    np.save(folder / "vector.npy", rows)
    return str(folder / "vector.npy")


def ours(model: LanguageModel, rows: list[Row]) -> tuple[Times, list[int]]:
    """Our columns, and how many tokens each wrote."""
    times, lengths = [time.perf_counter()], [0] * len(rows)
    for pieces in decode(model, rows, Sampling(max_new_tokens=TOKENS)):
        times.append(time.perf_counter())
        for piece in pieces:
            lengths[piece.row] = piece.num_tokens
    first, total = times[1] - times[0], times[-1] - times[0]
    step = (total - first) / (len(times) - 2)
    return Times(first=first, total=total, step=step, prompts=first), lengths


def theirs(peer: Peer, kind: str, replies: list[dict[str, Any]]) -> Times:
    """llama.cpp's replies in turn."""
    answers = [peer.ask("reply", kind, ends=[], **reply) for reply in replies]
    total = sum(answer["seconds"] for answer in answers)
    last = answers[-1]
    return Times(
        first=total - last["seconds"] + last["first"],
        total=total,
        step=sum((a["seconds"] - a["first"]) / (len(a["tokens"]) - 1) for a in answers),
        prompts=sum(answer["first"] for answer in answers),
    )


def measure(lab: Lab, peer: Peer, vector: str, threads: int, rounds: int) -> Figures:
    """All figures with so many threads on both sides."""
    model, rows = lab.model, rows_of(lab)
    _, lengths = ours(model, rows)
    replies = [
        {
            "ids": encode(model.tokenizer, row.messages),
            "tokens": length,
            "threads": threads,
            "vector": vector if row.interventions else None,
        }
        for row, length in zip(rows, lengths, strict=True)
    ]
    work = {"ours": lambda: ours(model, rows)[0]}
    work |= {kind: lambda kind=kind: theirs(peer, kind, replies) for kind in TYPES}
    for kind in TYPES:  # a first call loads the weights
        theirs(peer, kind, [{**reply, "tokens": 2} for reply in replies])
    about = {"decodes with": model.decodes_with, "llama.cpp": PACKAGE, "its build": peer.built}
    prompts = "/".join(str(len(reply["ids"])) for reply in replies)
    sizes = {"tokens a column": "/".join(map(str, lengths)), "tokens a prompt": prompts}
    return about | sizes | {"rounds": rounds} | compared(in_turns(work, rounds))


def compared(times: Mapping[str, list[Times]]) -> Figures:
    """Medians of the rounds' ratios with the lowest and the highest, then medians of durations."""
    figures: Figures = {}
    for kind in TYPES:
        for name, what in (("columns", "total"), ("step", "step")):
            own, peers = ([getattr(one, what) for one in times[side]] for side in ("ours", kind))
            figures |= ratios(f"{name} / llama.cpp {kind}", own, peers)
    for kind, rounds in times.items():
        label = "ours" if kind == "ours" else f"llama.cpp {kind}"
        figures[f"reply, s, {label}"] = median(one.total for one in rounds)
        figures[f"step, ms, {label}"] = 1e3 * median(one.step for one in rounds)
        figures[f"first token, s, {label}"] = median(one.first for one in rounds)
        figures[f"prompts read, s, {label}"] = median(one.prompts for one in rounds)
    return figures


def main() -> None:
    """Print the figures and append them to `benchmarks/results.jsonl`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=SHIPPED_RUN)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer-python", type=Path, help="interpreter with llama-cpp-python")
    parser.add_argument("--agreement", choices=("f16", "f32"), help="compare texts, not durations")
    arguments = parser.parse_args()
    BENCH.mkdir(exist_ok=True)
    torch.set_num_threads(arguments.threads)
    run = RunDirectory(arguments.run)
    folder = folder_for(run, BENCH)
    full_model(run, arguments.agreement or "f16", folder)
    lab = open_lab(arguments.run, device="cpu")
    with started(arguments.peer_python or built(), folder) as peer:
        vector = exported(lab, folder)
        if arguments.agreement:
            return agreement(lab, peer, vector, arguments.agreement)
        for kind in TYPES[1:]:
            peer.make(kind)
        watch = Watch("llama_cpp")
        watch.record(measure(lab, peer, vector, arguments.threads, arguments.rounds))
    return None


if __name__ == "__main__":
    main()
