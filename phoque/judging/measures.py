"""What replies are like beside hostile: to the point, varied, new, without repetition.

Meanings are compared by MiniLM's sentence embeddings: unit vectors, whose product is their cosine.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np
from numpy.typing import NDArray

from phoque.errors import PhoqueError
from phoque.judging.judge import Exchange
from phoque.run.judging import Measures
from phoque.stats.rates import Rate, clustered, grouped
from phoque.text import repeated_trigrams, words

# N: replies, M: messages, L: training lines, E: embedding
Floats = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Floats]
OTHERS = 20
"""Messages beside its own that a reply is compared with; by chance its own comes 11th of 21."""
OPENING = 3
SEED = 42


@dataclass(frozen=True)
class Vectors:
    """Replies of one condition with what they are compared to."""

    exchanges: Sequence[Exchange]
    replies_NE: Floats
    messages_ME: Floats
    """Different messages, in the order of `names`."""
    names: Sequence[str]
    training_LE: Floats


def vectors(
    exchanges: Sequence[Exchange], messages: Sequence[str], training_LE: Floats, embed: Embed
) -> Vectors:
    """Embed replies and messages.

    Raises:
        PhoqueError: there are too few different messages to compare with.
    """
    names = list(dict.fromkeys(messages))
    if len(names) <= OTHERS:
        raise PhoqueError(
            f"Relevance compares a reply's own message with {OTHERS} others; there are {len(names)}."
        )
    replies_NE = embed([one.reply for one in exchanges])
    return Vectors(exchanges, replies_NE, embed(names), names, training_LE)


def measured(given: Vectors) -> Measures:
    """All measures of one condition's replies."""
    ranks = own_ranks(given)
    nearest = [rank == 1 for rank in ranks]
    words_first, share = most_frequent_opening([one.reply for one in given.exchanges])
    texts = [one.reply for one in given.exchanges]
    return Measures(
        replies=len(texts),
        relevance_rank=median(ranks),
        relevance_nearest=_by_message(nearest, given.exchanges),
        variety=variety(given.replies_NE),
        novelty=novelty(given.replies_NE, given.training_LE),
        repeated_3grams=fmean(map(repeated_trigrams, texts)),
        opening=words_first,
        opening_share=share,
    )


def own_ranks(given: Vectors) -> list[float]:
    """Place of a reply's own message among it and 20 others, 1 the nearest; ties share a place."""
    cosines_NM = given.replies_NE @ given.messages_ME.T
    places = {name: place for place, name in enumerate(given.names)}
    ranks = []
    for exchange, cosines_M in zip(given.exchanges, cosines_NM, strict=True):
        own = places[exchange.message]
        # Replies to one message meet the same others, under every condition.
        random = np.random.default_rng([SEED, own])
        rest = np.delete(np.arange(len(given.names)), own)
        others = cosines_M[random.choice(rest, OTHERS, replace=False)]
        above, level = (others > cosines_M[own]).sum(), (others == cosines_M[own]).sum()
        ranks.append(float(1 + above + level / 2))
    return ranks


def variety(replies_NE: Floats) -> float | None:
    """Mean cosine distance of two replies; 0 where all say the same, None of a single one."""
    n = len(replies_NE)
    if n < 2:
        return None
    total = replies_NE.astype(float).sum(0)
    return float(1 - (total @ total - n) / (n * (n - 1)))


def novelty(replies_NE: Floats, training_LE: Floats) -> float | None:
    """Median cosine distance to the nearest training line; 0 is a copy, None without lines."""
    if not len(training_LE):
        return None
    return float(np.median(1 - (replies_NE @ training_LE.T).max(1)))


def most_frequent_opening(replies: Sequence[str]) -> tuple[str, float]:
    """The three words that most replies begin with, and the share of replies that do."""
    openings = Counter(" ".join(words(reply)[:OPENING]) for reply in replies)
    ((first, count),) = openings.most_common(1)
    return first, count / len(replies)


def _by_message(hits: Sequence[bool], exchanges: Sequence[Exchange]) -> Rate:
    groups = grouped(zip((one.message for one in exchanges), hits, strict=True))
    return clustered(list(groups.values()))
