"""Read and change the residual stream: the only place that registers forward hooks.

Layer `L` is the output of decoder block `L`, counted from 0, before the final norm. Transformers'
`hidden_states` differ: their last row comes after the norm, and they miss what our hooks change.
Shapes: B = batch, S = sequence, D = width.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Change = Callable[[Tensor], Tensor]
"""From residual_BSD to residual_BSD."""


@dataclass(frozen=True, eq=False)
class Injection:
    """A vector added to the residual stream of one layer."""

    layer: int
    delta_D: Tensor
    last_only: bool = False
    """Add it at the last position of each forward pass only, as in the talk: to the reply, not to
    the prompt."""


@dataclass(frozen=True, eq=False)
class Restraint:
    """Sets the residual stream's component along a unit direction to a level.

    With `only_above` it is a cap: a component below the level stays as it is.
    """

    layer: int
    unit_D: Tensor
    level: float
    only_above: bool = True


Intervention = Injection | Restraint
Interventions = Sequence[Intervention]


def throughout(row: Interventions) -> list[Intervention]:
    """The interventions at every position, without those of the last position only."""
    return [one for one in row if not (isinstance(one, Injection) and one.last_only)]


def signature(row: Interventions) -> list[str]:
    """A key that is equal for interventions with the same effect, to the bit."""
    return [f"{type(one).__name__} {[*map(_bits, vars(one).values())]}" for one in row]


def _bits(value: object) -> object:
    return value.float().cpu().numpy().tobytes() if isinstance(value, Tensor) else value


@contextmanager
def hooked(layer: nn.Module, change: Change) -> Iterator[None]:
    """Within the context, `change` is applied to the block's output.

    That is a tensor, or the first of a tuple or list.
    """

    def hook(_module: nn.Module, _args: Any, output: Any) -> Any:
        if not isinstance(output, (tuple, list)):
            return change(output)
        return type(output)([change(output[0]), *output[1:]])

    handle = layer.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def changed(layers: nn.ModuleList, rows: Sequence[Interventions]) -> Iterator[None]:
    """Within the context, row `b` of the batch gets the interventions `rows[b]`."""
    with ExitStack() as stack:
        for layer, change in changes_by_layer(rows).items():
            stack.enter_context(hooked(layers[layer], change))
        yield


@contextmanager
def recorded(
    layers: Iterable[nn.Module], keep: Change = lambda residual_BSD: residual_BSD
) -> Iterator[list[Tensor]]:
    """Within the context, each forward pass appends `keep(residual_BSD)` of every block."""
    seen: list[Tensor] = []

    def look(residual_BSD: Tensor) -> Tensor:
        seen.append(keep(residual_BSD))
        return residual_BSD

    with ExitStack() as stack:
        for layer in layers:
            stack.enter_context(hooked(layer, look))
        yield seen


class _EnoughError(Exception):
    """Ends a forward pass early."""


@contextmanager
def ended_after(layer: nn.Module) -> Iterator[None]:
    """A context for one forward pass, which ends at the block's output."""

    def end(_module: nn.Module, _args: Any, _output: Any) -> None:
        raise _EnoughError

    handle = layer.register_forward_hook(end)
    try:
        with suppress(_EnoughError):
            yield
    finally:
        handle.remove()


def changes_by_layer(rows: Sequence[Interventions]) -> dict[int, Change]:
    """The change of each layer that has one, for the whole batch at once."""
    return {
        layer: _change([[one for one in row if one.layer == layer] for row in rows])
        for layer in sorted({one.layer for row in rows for one in row})
    }


def _change(rows: Sequence[Interventions]) -> Change:
    parts = [
        *_additions([[one for one in row if isinstance(one, Injection)] for row in rows]),
        *_restraints([[one for one in row if isinstance(one, Restraint)] for row in rows]),
    ]

    def change(residual_BSD: Tensor) -> Tensor:
        for part in parts:
            residual_BSD = part(residual_BSD)
        return residual_BSD

    return change


def _additions(rows: Sequence[Sequence[Injection]]) -> Iterator[Change]:
    for last_only in (False, True):
        chosen = [[one.delta_D for one in row if one.last_only is last_only] for row in rows]
        if any(chosen):
            yield (_add_last if last_only else _add)(_summed(chosen))


def _add(delta_BD: Tensor) -> Change:
    return lambda residual_BSD: residual_BSD + delta_BD[:, None].to(residual_BSD)


def _add_last(delta_BD: Tensor) -> Change:
    def add(residual_BSD: Tensor) -> Tensor:
        earlier, last = residual_BSD[:, :-1], residual_BSD[:, -1:]
        return torch.cat([earlier, last + delta_BD[:, None].to(last)], dim=1)

    return add


def _restraints(rows: Sequence[Sequence[Restraint]]) -> Iterator[Change]:
    for place in range(max(map(len, rows))):
        yield _restrain([row[place] if place < len(row) else None for row in rows])


def _restrain(rows: Sequence[Restraint | None]) -> Change:
    unit_BD = _summed([[] if row is None else [row.unit_D] for row in rows])
    level_B1 = torch.tensor([[0.0 if row is None else row.level] for row in rows])
    only_above_B1 = torch.tensor([[row is not None and row.only_above] for row in rows])

    def restrain(residual_BSD: Tensor) -> Tensor:
        # A row without a restraint has a zero direction, so nothing changes.
        unit_BSD = unit_BD[:, None].to(residual_BSD.device)
        excess_BS = (residual_BSD.float() * unit_BSD).sum(-1) - level_B1.to(residual_BSD.device)
        only_above = only_above_B1.to(excess_BS.device)
        taken_BS = torch.where(only_above, excess_BS.clamp(min=0), excess_BS)
        return residual_BSD - (taken_BS[..., None] * unit_BSD).to(residual_BSD)

    return restrain


def _summed(rows: Sequence[Sequence[Tensor]]) -> Tensor:
    zero_D = torch.zeros_like(next(vector for row in rows for vector in row))
    return torch.stack([sum(row, start=zero_D) for row in rows])
