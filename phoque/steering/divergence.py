"""Dose in nats: how far steering moves the model's next-token distributions.

It is measured on given replies, token by token, because the first token misses much damage.
Shapes: S = positions, V = vocabulary.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from phoque.conversation import Messages, Sampling
from phoque.models.engine import Row, read, write
from phoque.models.hooks import Interventions
from phoque.models.load import LanguageModel
from phoque.run.psm import Divergence

NUM_TOKENS = 24
"""How many tokens of a reply are read."""
ONE_NAT = 1.0


class Yardstick:
    """The unsteered model's replies, and its distribution before every token of them."""

    def __init__(self, model: LanguageModel, prompts: Sequence[Messages]) -> None:
        self._model = model
        self._prompts = prompts
        rows = [Row(messages=prompt) for prompt in prompts]
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
        rows = [Row(messages=prompt, interventions=interventions) for prompt in prompts]
        yield from read(self._model, rows, self.replies)


def kl_divergence(log_p_SV: Tensor, log_q_SV: Tensor) -> Tensor:
    """KL(p || q) in nats at each position."""
    return (log_p_SV.exp() * (log_p_SV - log_q_SV)).sum(-1)


def scale_at(scales: Sequence[float], values: Sequence[float], target: float) -> float | None:
    """Where a piecewise linear curve from (0, 0) first reaches `target`; None if it never does."""
    earlier_scale, earlier = 0.0, 0.0
    for scale, value in zip(scales, values, strict=True):
        if value >= target:
            share = (target - earlier) / (value - earlier)
            return earlier_scale + share * (scale - earlier_scale)
        earlier_scale, earlier = scale, value
    return None
