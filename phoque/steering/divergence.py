"""Dose in nats: how far steering moves the model's next-token distributions, and directions that do as much.

It is measured on given replies, token by token, because the first token misses much damage.

A random vector of equal length may be harmless only because it does less. So others are scaled until they
cost the base model's own replies as much likelihood, in the base model, into which no persona was trained:
what is matched is disturbance, and not the persona.

Shapes: S = positions, V = vocabulary.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor

from phoque.conversation import Messages, Sampling
from phoque.models.engine import read, write
from phoque.models.hooks import Interventions
from phoque.models.load import LanguageModel
from phoque.run.evaluation import Matched
from phoque.run.psm import Divergence
from phoque.steering.experiment import rows_of
from phoque.steering.vectors import SteeringVector

NUM_TOKENS = 24
"""How many tokens of a reply are read."""
ONE_NAT = 1.0


class Yardstick:
    """The unsteered model's replies, and its distribution before every token of them."""

    def __init__(self, model: LanguageModel, prompts: Sequence[Messages]) -> None:
        self._model = model
        self._prompts = prompts
        rows = rows_of(prompts)
        replies = write(model, rows, Sampling(max_new_tokens=NUM_TOKENS))
        self.replies = [reply.tokens for reply in replies]
        self._expected = [logits.log_softmax(-1) for logits in read(model, rows, self.replies)]

    def divergence(
        self, interventions: Interventions, prompts: Sequence[Messages] | None = None
    ) -> Divergence:
        """The divergence that an intervention or another prompt causes on the same replies."""
        steered = self._read(interventions, prompts or self._prompts)
        values = torch.cat(
            [
                kl_divergence(logits_SV.log_softmax(-1), expected_SV)
                for logits_SV, expected_SV in zip(steered, self._expected, strict=True)
            ]
        )
        return Divergence(mean=float(values.mean()), p95=float(values.quantile(0.95)))

    def log_likelihood(self, interventions: Interventions) -> float:
        """Mean over all tokens of the replies, in nats, under an intervention."""
        steered = self._read(interventions, self._prompts)
        values = [
            logits_SV.log_softmax(-1).gather(-1, torch.tensor(tokens)[:, None])
            for logits_SV, tokens in zip(steered, self.replies, strict=True)
        ]
        return float(torch.cat(values).mean())

    def _read(self, interventions: Interventions, prompts: Sequence[Messages]) -> Iterator[Tensor]:
        return read(self._model, rows_of(prompts, interventions), self.replies)


def kl_divergence(log_p_SV: Tensor, log_q_SV: Tensor) -> Tensor:
    """KL(p || q) in nats at each position."""
    return (log_p_SV.exp() * (log_p_SV - log_q_SV)).sum(-1)


def scale_at(scales: Sequence[float], values: Sequence[float], target: float) -> float | None:
    """Where a piecewise linear curve from (0, 0) first reaches `target`; None if it never does."""
    points = [(0.0, 0.0), *zip(scales, values, strict=True)]
    for (earlier_scale, earlier), (scale, value) in pairwise(points):
        if value >= target:
            share = (target - earlier) / (value - earlier)
            return earlier_scale + share * (scale - earlier_scale)
    return None


TOLERANCE = 0.05
"""How far an effect may lie from the one it is matched with, as a share of that."""
MOST_DOUBLINGS, MOST_HALVINGS = 6, 24


@dataclass(frozen=True, kw_only=True, eq=False)
class Match:
    found: Matched
    draws: Sequence[Interventions]


def matched(
    yardstick: Yardstick, vector: SteeringVector, scale: float, others: Sequence[SteeringVector]
) -> Match:
    """Scale other directions of the layer until they cost as much as the vector at its scale.

    `yardstick` is of the base model, whose replies are read; directions that no scale matches are
    left out.
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
