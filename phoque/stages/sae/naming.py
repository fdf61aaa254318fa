"""A name for a latent by rule: where it fires, learned on half of the texts, tested on the other half.

A rule is a place, or up to three words on which or after which it fires, in a place where that helps. The rule
with the best F1 on the first half wins: it has to cover the firings as well as to hit them.

Shapes: T = tokens, W = words.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from phoque.run.sae_evidence import Lens
from phoque.run.sae_reading import Fired, Precision, Reading
from phoque.stages.sae.held_words import HeldWords, word_text
from phoque.stats.rates import by_cluster
from phoque.stats.resampling import Array

MOST_WORDS, SHOWN_WORDS, SHOWN_PROMOTED = 3, 8, 2
LONGEST = 20
"""Letters of a word in a name."""
BETTER = 1.1
"""A place is added to words where it makes F1 so many times larger."""
NO_RULE = "fires in no place that a rule can tell"


@dataclass(frozen=True, eq=False)
class Rule:
    text: str
    mask_T: Array
    f1: float


def reading_of(fires_T: Array, held: HeldWords, lens: Lens) -> Reading:
    """Name, held-out precision, and the words on which a latent fires."""
    rule = best_rule(fires_T, held)
    return Reading(
        name=_named(rule, lens, held),
        precision=None if rule is None else precision_of(rule, fires_T, held),
        fires_on=fired_words(fires_T, held),
        tokens=len(fires_T),
        fired=int(fires_T.sum()),
    )


def best_rule(fires_T: Array, held: HeldWords) -> Rule | None:
    """The rule that tells best where the latent fires in the first half; None where it never does."""
    if not (fires_T & held.first_half_T).any():
        return None
    at_T = held.first_half_T
    places = [Rule(name, mask, f1(fires_T, mask, at_T)) for name, mask in held.places.items()]
    rules = [*places]
    for start, ids_T in (("on", held.word_T), ("after", held.before_T)):
        words = _words_rule(start, fires_T, ids_T, held)
        narrow = [
            Rule(f"{words.text} {place.text}", mask, f1(fires_T, mask, at_T))
            for place in places
            for mask in (words.mask_T & place.mask_T,)
        ]
        best = max(narrow, key=lambda rule: rule.f1)
        rules.append(best if best.f1 > BETTER * words.f1 else words)
    return max(rules, key=lambda rule: rule.f1)


def f1(fires_T: Array, mask_T: Array, at_T: Array) -> float:
    """Harmonic mean of precision and recall on the tokens `at_T`."""
    predicted, positive = int((mask_T & at_T).sum()), int((fires_T & at_T).sum())
    hits = int((mask_T & fires_T & at_T).sum())
    return 2 * hits / max(1, predicted + positive)


def precision_of(rule: Rule, fires_T: Array, held: HeldWords) -> Precision | None:
    """How well the rule does on the second half."""
    at_T = ~held.first_half_T
    told_T = rule.mask_T & at_T
    if not told_T.any():
        return None
    owners = [str(owner) for owner in held.owner_T[told_T]]
    rate = by_cluster(zip(owners, fires_T[told_T].tolist(), strict=True))
    fired = int((fires_T & at_T).sum())
    return Precision(
        value=rate.value,
        low=rate.low,
        high=rate.high,
        n=rate.n,
        texts=len({*owners}),
        base=float(fires_T[at_T].mean()),
        recall=int((fires_T & told_T).sum()) / fired if fired else None,
    )


def fired_words(fires_T: Array, held: HeldWords) -> tuple[Fired, ...]:
    """Words with the largest excess of firings over the latent's rate, in all texts."""
    counts_W, seen_W = _counts(fires_T, held.word_T, len(held.names))
    excess_W = counts_W - seen_W * fires_T.mean()
    order = np.argsort(-excess_W, kind="stable")[:SHOWN_WORDS]
    return tuple(
        Fired(word=held.names[place], fired=int(counts_W[place]), of=int(seen_W[place]))
        for place in order
        if excess_W[place] > 0
    )


def _counts(fires_T: Array, ids_T: Array, size: int) -> tuple[Array, Array]:
    """Firings on, and tokens of, every word."""
    return np.bincount(ids_T[fires_T], minlength=size), np.bincount(ids_T, minlength=size)


def _words_rule(start: str, fires_T: Array, ids_T: Array, held: HeldWords) -> Rule:
    """Words are added one by one as long as F1 on the first half grows."""
    at_T = held.first_half_T
    counts_W, seen_W = _counts(fires_T[at_T], ids_T[at_T], len(held.names))
    positive, best = int(counts_W.sum()), 0.0
    chosen: list[int] = []
    hits = told = 0
    for _ in range(MOST_WORDS):
        scores_W = 2 * (hits + counts_W) / np.maximum(1, told + seen_W + positive)
        scores_W[chosen] = 0
        place = int(scores_W.argmax())
        if scores_W[place] <= best:
            break
        best, chosen = float(scores_W[place]), [*chosen, place]
        hits, told = hits + int(counts_W[place]), told + int(seen_W[place])
    words = ", ".join(f"“{held.names[place][:LONGEST]}”" for place in chosen)
    return Rule(f"{start} {words}", np.isin(ids_T, chosen), best)


def _named(rule: Rule | None, lens: Lens, held: HeldWords) -> str:
    """Where it fires, and what it makes likelier among the words that the texts have."""
    fires = NO_RULE if rule is None else f"fires {rule.text}"
    promoted = [*dict.fromkeys(_promoted(lens, held))][:SHOWN_PROMOTED]
    told = " and ".join(f"“{word[:LONGEST]}”" for word in promoted)
    return f"{fires}; promotes {told}" if told else fires


def _promoted(lens: Lens, held: HeldWords) -> Iterator[str]:
    known = {*held.names}
    for one in lens.raised:
        word = word_text(one.token)
        if word.isalpha() and len(word) > 1 and word in known:
            yield word
