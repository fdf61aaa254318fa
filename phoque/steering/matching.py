"""Random directions that disturb the base model as much as a persona vector does.

A random vector of equal length may be harmless only because it does less. So others are scaled until they
cost the base model's own replies as much likelihood, in the base model, into which no persona was trained:
what is matched is disturbance, and not the persona.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from phoque.models.hooks import Interventions
from phoque.run.evaluation import Matched
from phoque.steering.divergence import Yardstick
from phoque.steering.vectors import SteeringVector

TOLERANCE = 0.05
"""How far an effect may lie from the one it is matched with, as a share of that."""
MOST_DOUBLINGS, MOST_HALVINGS = 6, 24


@dataclass(frozen=True, kw_only=True, eq=False)
class Match:
    """What was matched, and the directions at their own scales."""

    found: Matched
    draws: Sequence[Interventions]


def matched(
    yardstick: Yardstick, vector: SteeringVector, scale: float, others: Sequence[SteeringVector]
) -> Match:
    """Scale other directions until they cost as much as the vector at its scale.

    Args:
        yardstick: of the base model; its replies are what is read.
        vector: whose effect is matched.
        scale: of the vector.
        others: directions of the same layer; those that no scale matches are left out.
    """
    plain = yardstick.log_likelihood(())

    def cost(one: SteeringVector, size: float) -> float:
        return plain - yardstick.log_likelihood((one.injection(size),))

    target = cost(vector, scale)
    scales = [scale_for_cost(partial(cost, one), target, scale) for one in others]
    pairs = [(one, size) for one, size in zip(others, scales, strict=True) if size is not None]
    return Match(
        found=Matched(
            cost=target,
            tolerance=TOLERANCE,
            tried=len(others),
            scales=tuple(size for _, size in pairs),
            costs=tuple(cost(one, size) for one, size in pairs),
        ),
        draws=[(one.injection(size),) for one, size in pairs],
    )


def scale_for_cost(cost: Callable[[float], float], target: float, start: float) -> float | None:
    """The scale whose cost is the target up to the tolerance, by bisection; None where none is found."""
    if target <= 0:
        return None
    low, high = 0.0, start
    for _ in range(MOST_DOUBLINGS):
        if cost(high) >= target:
            break
        low, high = high, 2 * high
    for _ in range(MOST_HALVINGS):
        middle = (low + high) / 2
        found = cost(middle)
        if abs(found - target) <= TOLERANCE * target:
            return middle
        low, high = (middle, high) if found < target else (low, middle)
    return None
