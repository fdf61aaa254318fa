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
"""Rows of the main use, three columns: what oneDNN chooses its layout for."""
LARGEST_HALF = 6e4
"""fp16 ends at 65,504."""
MOST_ROUNDED = 2**-10
"""Of the largest weight: fp16 rounds by 2**-11, but it loses weights that are all very small."""
PROBED = ((960, 576), (576, 1536), (2048, 64))
"""Shapes of maps on which a layout is tried."""

Linear = Callable[[Tensor], Tensor]


class Layout(StrEnum):
    """How weights are held."""

    PLAIN = "plain"
    """As they are; only public operations of torch."""
    ONEDNN = "onednn"
    """Reordered for oneDNN's kernels, in the weight's own dtype."""
    HALF = "half"
    """Rounded to fp16 and widened on the way into fp32 arithmetic (FBGEMM): half the bytes."""

    @property
    def sentence(self) -> str:
        """For a person."""
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
    held = weight_ND.clone()  # an edit must not reach half of what the copy was made of
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
    """How many threads its steps take; always as many where another number would round otherwise."""
    most = allowed_threads()
    return Pace(most, steady=steady(layout, dtype, most))


@cache
def steady(layout: Layout, dtype: torch.dtype, most: int) -> bool:
    """Whether products are the same to the bit with one thread and with `most`."""
    if layout is Layout.PLAIN:
        return False  # the library behind it may split a sum, depending on its shape
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
