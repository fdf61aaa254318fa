"""What replies are like beside hostile: to the point, varied, new, without repetition.

Meanings are compared by MiniLM's sentence embeddings: unit vectors, whose product is their cosine.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from statistics import fmean, median

import numpy as np
from numpy.typing import NDArray

from phoque.errors import PhoqueError
from phoque.judging.judge import Exchange, by_message
from phoque.run.judging import Measures
from phoque.stats.rates import share_of
from phoque.text import repeated_trigrams, words

# N: replies, M: messages, L: training lines, E: embedding
Floats = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Floats]
OTHERS = 20
"""Messages beside its own that a reply is compared with; by chance its own comes 11th of 21."""
OPENING = 3
SEED = 42


def measured(
    exchanges: Sequence[Exchange], messages: Sequence[str], training_LE: Floats, embed: Embed
) -> Measures:
    """The measures of one condition's replies; raises PhoqueError as `own_ranks` does."""
    texts = [one.reply for one in exchanges]
    replies_NE, (opening, share) = embed(texts), most_frequent_opening(texts)
    ranks = own_ranks(exchanges, replies_NE, messages, embed)
    nearest = by_message(exchanges, [rank == 1 for rank in ranks])
    return Measures(
        replies=len(texts),
        relevance_rank=median(ranks),
        relevance_nearest=share_of([*nearest.values()]),
        variety=variety(replies_NE),
        novelty=novelty(replies_NE, training_LE),
        repeated_3grams=fmean(map(repeated_trigrams, texts)),
        opening=opening,
        opening_share=share,
    )


def own_ranks(
    exchanges: Sequence[Exchange], replies_NE: Floats, messages: Sequence[str], embed: Embed
) -> list[float]:
    """Place of a reply's own message among it and 20 others, 1 the nearest; ties share a place.

    PhoqueError where too few messages are different.
    """
    places = {name: place for place, name in enumerate(dict.fromkeys(messages))}
    if len(places) <= OTHERS:
        raise PhoqueError(
            f"Relevance compares a reply's own message with {OTHERS} others; there are {len(places)}."
        )
    ranks = []
    for exchange, cosines_M in zip(exchanges, replies_NE @ embed([*places]).T, strict=True):
        own = places[exchange.message]
        # Replies to one message meet the same others, under every condition.
        random = np.random.default_rng([SEED, own])
        rest = np.delete(np.arange(len(places)), own)
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
