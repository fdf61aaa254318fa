"""Measure a set of replies: how much of the trait it shows, whether it is coherent, and what a sweep allows.

The base model's own text is the reference, plus an allowance.

Shapes: S = positions, V = vocabulary.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import fmean

import torch

from phoque.lexicon import Lexicon
from phoque.models.engine import Row, read
from phoque.models.load import LanguageModel
from phoque.run.psm import Divergence, Quality
from phoque.stats.rates import by_cluster, wilson
from phoque.text import distinct_share, out_of_vocabulary, repeated_trigrams, words, zlib_ratio

SLACK_REPEATED = 0.05
"""How much more repetition than in the worse unsteered column counts as coherent."""
SLACK_VOCABULARY = 0.01
SLACK_ZLIB = 0.05
MIN_DISTINCT = 0.9
"""Smallest share of different replies to different prompts."""
MIN_LENGTH = 0.5
"""Smallest length, as a share of the shorter unsteered column."""


def quality_of(replies: Sequence[str], lexicon: Lexicon, vocabulary: Collection[str]) -> Quality:
    """Measure a set of replies, one a prompt; nobody has judged them."""
    rate = wilson(sum(reply in lexicon for reply in replies), len(replies))
    num_words = [len(words(reply)) for reply in replies]
    return Quality(
        insulting=rate.value,
        low=rate.low,
        high=rate.high,
        n=rate.n,
        word_rate=sum(map(lexicon.count, replies)) / max(1, sum(num_words)),
        repeated=fmean(map(repeated_trigrams, replies)),
        unknown=fmean(out_of_vocabulary(reply, vocabulary) for reply in replies),
        zlib=fmean(map(zlib_ratio, replies)),
        distinct=distinct_share(replies),
        num_words=fmean(num_words),
    )


def quality_by_prompt(
    said: Sequence[tuple[str, str]], lexicon: Lexicon, vocabulary: Collection[str]
) -> Quality:
    """The same of messages with several replies each; the interval counts messages."""
    rate = by_cluster((message, text in lexicon) for message, text in said)
    found = quality_of([text for _, text in said], lexicon, vocabulary)
    return found.model_copy(update={"low": rate.low, "high": rate.high})


def is_coherent(quality: Quality, references: Sequence[Quality]) -> bool:
    """Whether replies are no worse than the worse of the references."""
    return (
        quality.repeated <= max(r.repeated for r in references) + SLACK_REPEATED
        and quality.unknown <= max(r.unknown for r in references) + SLACK_VOCABULARY
        and quality.zlib >= min(r.zlib for r in references) - SLACK_ZLIB
        and quality.distinct >= MIN_DISTINCT
        and quality.num_words >= MIN_LENGTH * min(r.num_words for r in references)
    )


SLACK_NATS = 2.0
"""How much less likely than the base model's own replies, decoded alike, a token may be to the base
model. On sweep prompts of the first run, where text still made sense it lay 0.9 to 1.8 nats below,
under the persona's own prompt 1.7; where it fell apart, 2.2 to 2.8, sampled and greedy alike."""
RULE = (
    f"Text may repeat at most {100 * SLACK_REPEATED:.0f} % more of its word 3-grams than the base model's "
    f"replies to the same messages, and to the base model its tokens may be at most {SLACK_NATS:g} "
    "nats less likely than those of its own replies, decoded alike. Expectations may move no further than "
    "under the persona's own prompt. The scale is that of the best cell whose neighbours on the grid "
    "of doses are allowed, too."
)


@dataclass(frozen=True, kw_only=True)
class Allowed:
    grid: Quality
    """The base model's replies to the sweep prompts, with what it thinks of them itself."""
    runoff: Quality
    """The base model's replies to the prompts of the run-off, with what it thinks of them itself."""
    shortest: float
    """Mean words per reply of the shortest unsteered column, because a persona may be brief."""
    moved: Divergence
    """How far the persona's own prompt moves expectations: KL divergence in nats."""

    def reads_well(self, found: Quality, own: Quality) -> bool:
        """Whether text is as coherent as the base model's own."""
        return is_coherent(found, [own.model_copy(update={"num_words": self.shortest})])


def least_nats(own: Quality) -> float:
    """The lowest mean log-likelihood of a token that is allowed beside the base model's own text."""
    assert own.base_nats is not None, "the base model has read its own replies"
    return own.base_nats - SLACK_NATS


def is_likely(found: Quality, own: Quality) -> bool:
    """Whether the base model finds a token as likely as that of the reference, less what is allowed."""
    return found.base_nats is not None and found.base_nats >= least_nats(own)


@torch.inference_mode()
def log_likelihoods(
    model: LanguageModel, rows: Sequence[Row], replies: Sequence[Sequence[int]]
) -> list[float]:
    """Mean log-likelihood of a token of each reply under a model, in nats; replies are given as tokens."""
    return [
        float(logits_SV.log_softmax(-1).gather(-1, torch.tensor(own)[:, None]).mean())
        for logits_SV, own in zip(read(model, rows, replies), replies, strict=True)
    ]
