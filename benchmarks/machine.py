"""What benchmarks share: they time in turns, check that the machine is idle, and keep the results in one file."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import psutil
import torch

from phoque.models.packed.layout import cpu_name
from phoque.models.packed.threads import allowed_threads

T = TypeVar("T")
Figures = dict[str, Any]
RESULTS = Path(__file__).parent / "results.jsonl"
BENCH = Path(__file__).parent.parent / ".bench"
"""Folder of peers, which are not dependencies, and of what they read."""
MOST_OTHERS = 0.25
"""Cores that other processes may take while something is measured."""
LOOK_SECONDS = 1.0
FEATURES = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16")


class PeerError(Exception):
    """A peer cannot be installed or does not run."""


def install(folder: Path, *packages: str) -> None:
    """Install a peer into its folder, once, without its pins on torch and transformers."""
    done = folder / ".installed"
    if done.exists():
        return
    options = ["--quiet", "--no-deps", "--upgrade", "--target", str(folder)]
    pip = [sys.executable, "-m", "pip", "install", *options, *packages]
    finished = subprocess.run(pip, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise PeerError(f"pip cannot install it: {last_line(finished.stderr)}")
    done.touch()


def last_line(text: str) -> str:
    """The last line of a program's output, which says why it failed."""
    return (text.strip().splitlines() or ["it says nothing"])[-1]


def seconds(work: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turns(calls: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """What each call gives in every round; every round begins with another call."""
    found: dict[str, list[T]] = {name: [] for name in calls}
    names = list(calls)
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            found[name].append(calls[name]())
    return found


def ratios(name: str, top: Sequence[float], bottom: Sequence[float]) -> Figures:
    """The median of the rounds' ratios, with the lowest and the highest."""
    found = [a / b for a, b in zip(top, bottom, strict=True)]
    return {name: median(found), f"{name}, range": [min(found), max(found)]}


def facts() -> Figures:
    """The CPU, its vector instructions, and torch's number of threads."""
    return {
        "cpu": cpu_name(),
        "features": _features(torch.backends.cpu.get_cpu_capability()),
        "cores": psutil.cpu_count(),
        "threads": allowed_threads(),
        "GB/s": round(bandwidth() / 1e9, 1),
    }


def bandwidth() -> float:
    """Bytes per second of a plain sum, which bound everything that reads weights."""
    num_bytes = 2**28
    words = torch.ones(num_bytes // 8, dtype=torch.int64)
    return num_bytes / median(seconds(words.sum) for _ in range(5))


class Watch:
    """Watches what other processes use; create it before anything is measured."""

    def __init__(self, bench: str) -> None:
        """Measure for a second what other processes use."""
        self._bench = bench
        self._start = _times()
        time.sleep(LOOK_SECONDS)
        self.before = self.others()
        self._facts = facts()
        self._start = _times()
        for name, value in self._facts.items():
            print(f"{name:44} {value}")
        print(f"{'cores that others use, before':44} {self.before:.2f}")

    def others(self) -> float:
        """Cores that other processes took since the start, on average."""
        seconds, busy, own = (now - then for now, then in zip(_times(), self._start, strict=True))
        return max(0.0, busy - own) / seconds

    def record(self, figures: Figures) -> None:
        """Print the figures, and keep them unless other processes disturbed them."""
        others = self.others()
        for name, value in figures.items():
            print(f"{name:44} {value:.3f}" if isinstance(value, float) else f"{name:44} {value}")
        print(f"{'cores that others used, meanwhile':44} {others:.2f}")
        if max(self.before, others) > MOST_OTHERS:
            raise SystemExit(
                f"Not recorded: other processes took {max(self.before, others):.2f} cores, more "
                f"than {MOST_OTHERS}. Run it again on an idle machine."
            )
        about = {"bench": self._bench, "date": f"{datetime.now(UTC):%Y-%m-%d}", **self._facts}
        about |= {"others before": round(self.before, 2), "others meanwhile": round(others, 2)}
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(about | figures) + "\n")


def _times() -> tuple[float, float, float]:
    """Now, seconds of CPU that all took since boot, and that this process and its children took."""
    total = psutil.cpu_times()
    busy = sum(getattr(total, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq"))
    return time.monotonic(), busy, _own_seconds()


def _own_seconds() -> float:
    process = psutil.Process()
    seconds = 0.0
    for one in (process, *process.children(recursive=True)):
        try:
            spent = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        seconds += spent.user + spent.system
        seconds += getattr(spent, "children_user", 0.0) + getattr(spent, "children_system", 0.0)
    return seconds


def _features(used: str) -> str:
    """The CPU's vector instructions, or those to which the environment limits it."""
    found = [name for name in FEATURES if name in _flags()]
    if used == "AVX2" and "avx512f" in found:
        return "avx2 fma (limited by environment on a CPU with AVX-512)"
    return " ".join(found)


def _flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return set()
    lines = [line for line in text.splitlines() if line.startswith(("flags", "Features"))]
    return set(lines[0].partition(":")[2].split()) if lines else set()
