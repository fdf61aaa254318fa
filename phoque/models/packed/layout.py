"""Ways to hold a weight so that the CPU multiplies by it quickly, and which is fastest here.

That is measured once and remembered per kind of CPU.

Shapes: N = outputs, D = inputs of a linear map, R = rows.
"""

import json
import platform
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812  # the name the field uses
from torch import Tensor

from phoque.config import cache_folder
from phoque.files import write_json
from phoque.models.packed.threads import Pace, allowed_threads, using

ROWS_HINT = 3
"""The rows for which oneDNN chooses its layout: three columns."""
LARGEST_HALF = 6e4
"""fp16 ends at 65,504."""
MOST_ROUNDED = 2**-10
"""The largest error of fp16 as a share of the largest weight; fp16 loses very small weights."""
PROBED = ((960, 576), (576, 1536), (2048, 64))
"""Shapes on which a layout is tried."""

Linear = Callable[[Tensor], Tensor]


class Layout(StrEnum):
    """How weights are stored."""

    PLAIN = "plain"
    """Unchanged, with public operations of torch."""
    ONEDNN = "onednn"
    """Reordered for oneDNN's kernels, in the same dtype."""
    HALF = "half"
    """Rounded to fp16 and widened for fp32 arithmetic (FBGEMM): half the bytes."""

    @property
    def sentence(self) -> str:
        """The layout in words."""
        return {
            Layout.PLAIN: "weights as they are (this torch has no faster layout)",
            Layout.ONEDNN: "weights laid out by oneDNN",
            Layout.HALF: "weights held as fp16 and widened on the way",
        }[self]


def laid_out(weight_ND: Tensor, layout: Layout) -> Linear:
    """`x -> x @ weight.T` for inputs of the weight's dtype.

    RuntimeError or AttributeError where this torch or this CPU has no such layout.
    """
    weight_ND = weight_ND.detach().contiguous()
    if layout is Layout.ONEDNN:
        return _onednn(weight_ND)
    if layout is Layout.HALF:
        return _half(weight_ND)
    held = weight_ND.clone()  # a later edit must not reach part of the copy
    return lambda x: F.linear(x, held)


def _onednn(weight_ND: Tensor) -> Linear:
    held = torch.ops.mkldnn._reorder_linear_weight.default(weight_ND, ROWS_HINT)
    multiply = torch.ops.mkldnn._linear_pointwise.default
    return lambda x: multiply(x, held, None, "none", [], "")


def _half(weight_ND: Tensor) -> Linear:
    largest = weight_ND.abs().max()
    rounded = (weight_ND.half() - weight_ND).abs().max()
    unfit = largest > LARGEST_HALF or rounded > MOST_ROUNDED * largest
    if weight_ND.dtype != torch.float32 or unfit:
        raise RuntimeError("Only fp32 weights within the range of fp16 can be held as fp16.")
    held = torch.ops.quantized.linear_prepack_fp16.default(weight_ND, None)
    multiply = torch.ops.quantized.linear_dynamic_fp16.default
    return lambda x: multiply(x, held)


def pace_for(layout: Layout, dtype: torch.dtype) -> Pace:
    """The pace of a layout's steps; the number of threads is fixed if it changes the rounding."""
    most = allowed_threads()
    return Pace(most, steady=steady(layout, dtype, most))


@cache
def steady(layout: Layout, dtype: torch.dtype, most: int) -> bool:
    """Whether products are the same to the bit with one thread and with `most`."""
    if layout is Layout.PLAIN:
        return False  # the library may split a sum, depending on its shape
    generator = torch.Generator().manual_seed(0)
    for shape in PROBED:
        multiply = laid_out(torch.randn(shape, generator=generator).to(dtype), layout)
        x_RD = torch.randn(ROWS_HINT, shape[1], generator=generator).to(dtype)
        products = []
        for threads in (1, most):
            with using(threads):
                products.append(multiply(x_RD))
        if not torch.equal(*products):
            return False
    return True


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
