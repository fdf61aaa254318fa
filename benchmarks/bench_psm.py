"""Time persona vectors of all layers beside two peers: same weights and token ids, fp32, CPU.

Everything is measured in turns in one run and reported as ratios of durations:
- `ours / steering-vectors`: mean difference at the last prompt token, batch 1 (its default) and 16;
- `ours / repeng`: first principal component instead of a mean, batch 32 (its default) and 16;
- `ours in DTYPE / ours`: what the lab's own dtype saves over fp32;
- `cosine`: the lowest of all layers between our vectors and the peer's, without sign.

Peers are not dependencies: each is installed into `.bench` on first use and runs in a process of its
own. A peer that cannot be installed or fails is named and has no figures.

Usage: python benchmarks/bench_psm.py [--pairs 40] [--rounds 5]
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from machine import BENCH, Figures, PeerError, Watch, in_turns, install, last_line, ratios, seconds
from torch import Tensor

from phoque.conversation import Messages, asked
from phoque.models.load import LanguageModel, load_model
from phoque.models.template import encode, render
from phoque.personas import Persona, load_persona
from phoque.personas.controls import more_probes
from phoque.steering.vectors import contrast

HERE = Path(__file__).parent
SKLEARN = ("scikit-learn==1.6.1", "scipy==1.16.3", "joblib==1.5.2", "threadpoolctl==3.6.0")

Seconds = Callable[[], float]


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A library, its other requirements, and the ways to call it."""

    name: str
    version: str
    needs: tuple[str, ...]
    variants: Mapping[str, Mapping[str, Any]]

    @property
    def folder(self) -> Path:
        """Where it is installed."""
        return BENCH / f"{self.name}-{self.version}"


PEERS = (
    Peer(
        name="steering-vectors",
        version="0.12.2",
        needs=SKLEARN,
        variants={"batch 1": {}, "batch 16": {"batch_size": 16}},
    ),
    Peer(
        name="repeng",
        version="0.4.0",
        needs=(*SKLEARN, "numpy==1.26.4"),  # it names np.float_, which NumPy 2 dropped
        variants={"batch 32": {}, "batch 16": {"batch_size": 16}},
    ),
)


class Worker:
    """A peer's process: it holds the model and waits between extractions."""

    def __init__(self, peer: Peer, process: subprocess.Popen[str], log: Path) -> None:
        self._peer = peer
        self._process = process
        self._log = log

    def inspect(self, variant: str) -> dict[str, Any]:
        """The token ids that a variant's model read and the directions it found; warms up."""
        return self._ask(variant, inspect=True)

    def seconds(self, variant: str) -> float:
        """Duration of one extraction."""
        return float(self._ask(variant, inspect=False)["seconds"])

    def _ask(self, variant: str, *, inspect: bool) -> dict[str, Any]:
        request = {"options": self._peer.variants[variant], "inspect": inspect}
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError) as error:
            raise PeerError(f"it fails: {last_line(self._log.read_text())}") from error


@contextmanager
def started(peer: Peer, weights: str, pairs: Path) -> Iterator[Worker]:
    """The peer's process, with its packages before ours on the path."""
    log = BENCH / f"{peer.name}.log"
    command = [sys.executable, str(HERE / "psm_peer.py"), peer.name, weights, str(pairs)]
    environment = {**os.environ, "PYTHONPATH": str(peer.folder)}  # a child's
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
            env=environment,
        ) as process,
    ):  # fmt: skip
        yield Worker(peer, process, log)


@dataclass(frozen=True, kw_only=True)
class Task:
    """The task of all sides: the same texts and weights."""

    model: LanguageModel
    persona: Persona
    count: int

    @property
    def users(self) -> tuple[str, ...]:
        """The persona's probes, then more of their kind."""
        return (*self.persona.probes, *more_probes())[: self.count]

    @property
    def pairs(self) -> Iterator[tuple[Messages, Messages]]:
        """Per user message, the persona's conversation and the neutral one."""
        persona = asked(self.persona.persona_prompt, self.users)
        return zip(persona, asked(self.persona.neutral_prompt, self.users), strict=True)

    @property
    def ids(self) -> list[list[int]]:
        """Token ids of all texts, in an order of their own."""
        return sorted(encode(self.model.tokenizer, text) for pair in self.pairs for text in pair)

    def written(self) -> Path:
        """A file with the pairs as text."""
        texts = [[render(self.model.tokenizer, text) for text in pair] for pair in self.pairs]
        path = BENCH / "pairs.json"
        path.write_text(json.dumps(texts))
        return path


def ours(model: LanguageModel, task: Task) -> Tensor:
    """Directions_LD as the lab measures them."""
    return contrast(model, task.persona, task.users).vectors({}).directions_LD


def lowest_cosine(ours_LD: Tensor, theirs_LD: Tensor) -> float:
    """The lowest cosine of all layers, without sign, which principal components do not have."""
    return float(torch.cosine_similarity(ours_LD, theirs_LD, dim=-1).abs().min())


def enter(peer: Peer, task: Task, stack: ExitStack) -> tuple[dict[str, Seconds], Figures]:
    """A warm peer: its variants, ready to be timed, and how they agree with us."""
    install(peer.folder, f"{peer.name}=={peer.version}", *peer.needs)
    worker = stack.enter_context(started(peer, task.model.source, task.written()))
    ours_LD = ours(task.model, task)
    variants: dict[str, Seconds] = {}
    figures: Figures = {}
    for variant in peer.variants:
        label = f"{peer.name} {peer.version}, {variant}"
        found = worker.inspect(variant)
        if sorted(found["ids"]) != task.ids:
            raise PeerError("its token ids differ from ours")
        figures[f"cosine, {label}"] = lowest_cosine(ours_LD, torch.tensor(found["directions"]))
        variants[label] = partial(worker.seconds, variant)
    return variants, figures


def compared(durations: Mapping[str, list[float]], ours_name: str, lab_name: str) -> Figures:
    """Medians in seconds, then medians of the rounds' ratios with the lowest and the highest."""
    figures: Figures = {f"{name}, s": median(spent) for name, spent in durations.items()}
    pairs = [(ours_name, name) for name in durations if name not in (ours_name, lab_name)]
    for top, bottom in [*pairs, (lab_name, ours_name)]:
        figures |= ratios(f"{top} / {bottom}", durations[top], durations[bottom])
    return figures


def measure(count: int, rounds: int) -> Figures:
    """All figures."""
    lab = load_model("lab", device="cpu")
    model = load_model("lab", device="cpu", dtype=torch.float32)
    task = Task(model=model, persona=load_persona(), count=count)
    lab_name = f"ours in {lab.model.dtype}"
    variants = {
        "ours": partial(seconds, lambda: ours(model, task)),
        lab_name: partial(seconds, lambda: ours(lab, task)),
    }
    figures: Figures = {
        "dtype": str(model.model.dtype),
        "threads": torch.get_num_threads(),
        "pairs": len(task.ids) // 2,
        "tokens": sum(map(len, task.ids)),
        "rounds": rounds,
        f"cosine, {lab_name}": lowest_cosine(ours(model, task), ours(lab, task)),
    }
    with ExitStack() as stack:
        for peer in PEERS:
            try:
                more, agreement = enter(peer, task, stack)
            except PeerError as error:
                figures[f"{peer.name} {peer.version}"] = f"not measured: {error}"
            else:
                variants |= more
                figures |= agreement
        return figures | compared(in_turns(variants, rounds), "ours", lab_name)


def main() -> None:
    """Print the figures and append them to `benchmarks/results.jsonl`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    BENCH.mkdir(exist_ok=True)
    watch = Watch("psm")
    watch.record(measure(arguments.pairs, arguments.rounds))


if __name__ == "__main__":
    main()
