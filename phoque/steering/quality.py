"""Measure a set of replies: how much of the trait it shows, and whether it is coherent."""

from collections.abc import Collection, Sequence
from statistics import fmean

from phoque.lexicon import Lexicon
from phoque.run.psm import Quality
from phoque.stats.rates import wilson
from phoque.text import (
    distinct_share,
    out_of_vocabulary,
    repeated_trigrams,
    words,
    zlib_ratio,
)

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


def is_coherent(quality: Quality, references: Sequence[Quality]) -> bool:
    """Whether replies are no worse than the worse of the references."""
    return (
        quality.repeated <= max(r.repeated for r in references) + SLACK_REPEATED
        and quality.unknown <= max(r.unknown for r in references) + SLACK_VOCABULARY
        and quality.zlib >= min(r.zlib for r in references) - SLACK_ZLIB
        and quality.distinct >= MIN_DISTINCT
        and quality.num_words >= MIN_LENGTH * min(r.num_words for r in references)
    )
