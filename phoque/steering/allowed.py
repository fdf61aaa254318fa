"""What a cell of the sweep may do to text: the base model's own text is the reference, plus an allowance.

Shapes: S = positions, V = vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from phoque.conversation import Messages
from phoque.models.engine import Reply, Row, read
from phoque.models.load import LanguageModel
from phoque.run.psm import Divergence, Quality
from phoque.steering.quality import SLACK_REPEATED, is_coherent

SLACK_NATS = 2.0
"""How much less likely than the base model's own replies, decoded alike, a token may be to the base
model. On sweep prompts of the first run, where text still made sense it lay 0.9 to 1.8 nats below,
under the persona's own prompt 1.7; where it fell apart, 2.2 to 2.8, sampled and greedy alike."""
RULE = (
    f"Text may repeat at most {SLACK_REPEATED:.0%} more of its word 3-grams than the base model's "
    f"replies to the same messages, and to the base model its tokens may be at most {SLACK_NATS:g} "
    "nats less likely than those of its own replies, decoded alike. Expectations may move no further than "
    "under the persona's own prompt. The scale is that of the best cell whose neighbours on the grid "
    "of doses are allowed, too."
)


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """The limits of one sweep."""

    grid: Quality
    """The base model's replies to the sweep prompts, with what it thinks of them itself."""
    runoff: Quality
    """The same to the prompts of the run-off."""
    shortest: float
    """Mean words of the shortest unsteered column: a persona may be brief."""
    moved: Divergence
    """What the persona's own prompt does to expectations."""

    def reads_well(self, found: Quality, own: Quality) -> bool:
        """Whether text is as coherent as the base model's own."""
        return is_coherent(found, [own.model_copy(update={"num_words": self.shortest})])


def least_nats(own: Quality) -> float:
    """The lowest mean log-likelihood of a token that is allowed beside the base model's own text."""
    assert own.base_nats is not None, "the base model has read its own replies"
    return own.base_nats - SLACK_NATS


def is_likely(found: Quality, own: Quality) -> bool:
    """Whether the base model could have written it."""
    return found.base_nats is not None and found.base_nats >= least_nats(own)


@torch.inference_mode()
def log_likelihoods(
    base: LanguageModel, prompts: Sequence[Messages], replies: Sequence[Reply]
) -> list[float]:
    """What the base model thinks of a token of each reply on average, in nats."""
    rows = [Row(messages=prompt) for prompt in prompts]
    tokens = [reply.tokens for reply in replies]
    values = []
    for logits_SV, own in zip(read(base, rows, tokens), tokens, strict=True):
        chosen_S1 = torch.tensor(own)[:, None]
        values.append(float(logits_SV.log_softmax(-1).gather(-1, chosen_S1).mean()))
    return values
