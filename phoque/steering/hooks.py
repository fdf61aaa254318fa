"""Read and write the residual stream: the only place that registers forward hooks.

Layer `L` is the output of decoder block `L`, counted from 0, before the final norm. Transformers'
own `hidden_states` are not used: their last row is post-norm, and they show the state before our
hook. Shapes: B = batch, S = sequence, D = width, L = layers.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Injection:
    """A vector added to the residual stream of one layer, at all positions."""

    layer: int
    delta_D: Tensor


def output_tensor(output: Any) -> Tensor:
    """The residual stream in a block's output, which is a tensor or starts a tuple."""
    residual: Tensor = output[0] if isinstance(output, tuple) else output
    return residual


def with_tensor(output: Any, residual_BSD: Tensor) -> Any:
    """`output` with its residual stream replaced."""
    return (residual_BSD, *output[1:]) if isinstance(output, tuple) else residual_BSD


@contextmanager
def hooked(layer: nn.Module, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Within the context, the block's output is `change` of itself."""

    def hook(_module: nn.Module, _args: Any, output: Any) -> Any:
        return with_tensor(output, change(output_tensor(output)))

    handle = layer.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def injected(layers: nn.ModuleList, injections: Sequence[Injection | None]) -> Iterator[None]:
    """Within the context, row `b` of the batch gets `injections[b]`."""
    with ExitStack() as stack:
        for layer, delta_BD in deltas_by_layer(injections).items():
            stack.enter_context(hooked(layers[layer], _adder(delta_BD)))
        yield


@contextmanager
def recorded(layers: nn.ModuleList) -> Iterator[list[Tensor]]:
    """Within the context, each forward pass appends one residual_BSD a block to the list."""
    seen: list[Tensor] = []

    def keep(residual_BSD: Tensor) -> Tensor:
        seen.append(residual_BSD)
        return residual_BSD

    with ExitStack() as stack:
        for layer in layers:
            stack.enter_context(hooked(layer, keep))
        yield seen


def deltas_by_layer(injections: Sequence[Injection | None]) -> dict[int, Tensor]:
    """Per layer that has an injection, delta_BD: a row's vector, or zero."""
    layers = sorted({injection.layer for injection in injections if injection is not None})
    return {layer: _deltas(layer, injections) for layer in layers}


def _deltas(layer: int, injections: Sequence[Injection | None]) -> Tensor:
    here = [i.delta_D if i is not None and i.layer == layer else None for i in injections]
    zero_D = torch.zeros_like(next(delta for delta in here if delta is not None))
    return torch.stack([zero_D if delta is None else delta for delta in here])


def _adder(delta_BD: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda residual_BSD: residual_BSD + delta_BD[:, None].to(residual_BSD)
