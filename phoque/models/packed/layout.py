"""Ways to hold a weight so that the CPU multiplies by it quickly.

Shapes: N = outputs, D = inputs of a linear map, R = rows.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import cache

import torch
import torch.nn.functional as F  # noqa: N812  # the name the field uses
from torch import Tensor

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

    Raises:
        RuntimeError: this torch or this CPU has no such layout.
        AttributeError: the same.
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
