"""Which dtype and layout are fastest on this CPU: measured once, remembered per kind of CPU."""

import json
import platform
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from phoque.config import cache_folder
from phoque.files import write_json
from phoque.models.packed.layout import Layout, Linear, laid_out
from phoque.models.packed.threads import using

CANDIDATES = (
    (torch.bfloat16, Layout.ONEDNN),
    (torch.float32, Layout.HALF),
    (torch.float32, Layout.ONEDNN),
    (torch.float32, Layout.PLAIN),
)
"""bf16 without a layout is left out: it takes minutes on CPUs without fast bf16 products."""
MAPS, OUTPUTS, INPUTS = 8, 2048, 1024
"""67 MB in fp32: more than the caches of one core."""
REPLY_TOKENS, PROMPT_TOKENS, ROWS = 48, 300, 3
"""The estimated work: a reply in three columns, prompts included."""
READ_ROWS = 100

Seconds = Mapping[str, float]


def fastest() -> tuple[torch.dtype, Layout]:
    """The fastest pair of `CANDIDATES`."""
    seconds = measured()
    return min(CANDIDATES, key=lambda pair: seconds.get(named(*pair), float("inf")))


def fastest_exact(dtype: torch.dtype) -> Layout:
    """The fastest layout that does not round weights of a dtype."""
    seconds, layouts = measured(), (Layout.ONEDNN, Layout.PLAIN)
    return min(layouts, key=lambda layout: seconds.get(named(dtype, layout), float("inf")))


@cache
def measured() -> Seconds:
    """Seconds of a reply with each candidate that works."""
    path, key = cache_folder() / "cpu.json", kind_of_cpu()
    known = _read(path)
    if key not in known:
        known[key] = measure()
        with suppress(OSError):  # if the folder cannot be written, it is measured again next time
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, known)
    return known[key]


def kind_of_cpu() -> str:
    """CPU name, vector instructions and torch version, on which the fastest layout depends."""
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{cpu_name()}, {capability}, torch {torch.__version__}"


def cpu_name() -> str:
    """What the machine calls its processor."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def measure() -> dict[str, float]:
    """Time every candidate with one thread, in less than a second."""
    found = {}
    with using(1), torch.inference_mode():
        for dtype, layout in CANDIDATES:
            with suppress(RuntimeError, AttributeError):
                found[named(dtype, layout)] = _reply_seconds(dtype, layout)
    return found


def named(dtype: torch.dtype, layout: Layout) -> str:
    """The candidate's name in the cache file."""
    return f"{str(dtype).removeprefix('torch.')} {layout}"


def _reply_seconds(dtype: torch.dtype, layout: Layout) -> float:
    maps = [laid_out(torch.full((OUTPUTS, INPUTS), 0.01, dtype=dtype), layout) for _ in range(MAPS)]
    few_RD = torch.ones(ROWS, INPUTS, dtype=dtype)
    many_RD = torch.ones(READ_ROWS, INPUTS, dtype=dtype)
    step = min(_seconds(maps, few_RD) for _ in range(4))
    read = min(_seconds(maps[:2], many_RD) for _ in range(2)) * MAPS / 2
    return REPLY_TOKENS * step + PROMPT_TOKENS / READ_ROWS * read


def _seconds(maps: list[Linear], x_RD: Tensor) -> float:
    start = time.perf_counter()
    for multiply in maps:
        multiply(x_RD)
    return time.perf_counter() - start


def _read(path: Path) -> dict[str, dict[str, float]]:
    with suppress(OSError, ValueError):
        known = json.loads(path.read_text(encoding="utf-8"))
        return known if isinstance(known, dict) else {}
    return {}
