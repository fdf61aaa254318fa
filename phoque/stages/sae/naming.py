"""A name for a latent by rule: where it fires, learned on half of the texts, tested on the other half.

A latent fires on words and in places, not on pieces of words. A rule is a place, or up to three words on which
or after which it fires, in a place where that helps. The rule with the best F1 on the first half wins: it
has to cover the firings as well as to hit them.

Shapes: T = tokens that count, W = words.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from phoque.run.sae_evidence import Lens
from phoque.run.sae_reading import Fired, Precision, Reading
from phoque.stages.sae.collect import ROLES
from phoque.stages.sae.readings import Readings
from phoque.stats.rates import by_cluster
from phoque.stats.resampling import Array

PLACES = {
    "text": "in plain text",
    "system": "in system prompts",
    "user": "in messages of users",
    "template": "in the marks of turns",
    "assistant": "in replies",
}
VISIBLE = str.maketrans({" ": "␣", "\n": "⏎", "\t": "⇥"})


@dataclass(frozen=True, kw_only=True, eq=False)
class HeldWords:
    """Word, word before, and place of every token that counts."""

    names: tuple[str, ...]
    word_T: Array
    """As places in `names`."""
    before_T: Array
    """The word before; at a text's first token, what the mask left out."""
    owner_T: Array
    """Which text."""
    places: dict[str, Array]
    """Mask_T of every kind of place."""

    @classmethod
    def of(cls, held: Readings, tokenizer: Any) -> "HeldWords":
        """The words of the tokens that were kept, and the word before each."""
        ids: dict[str, int] = {}
        words: list[int] = []
        before: list[int] = []
        for text, kept in zip(held.texts, held.kept, strict=True):
            pieces = tokenizer.batch_decode([[token] for token in text.ids])
            own = [ids.setdefault(word, len(ids)) for word in words_of(pieces)]
            starts = word_starts(pieces)
            last = [own[start - 1] if start else own[0] for start in starts]
            places = kept.nonzero()[:, 0].tolist()
            words += [own[place] for place in places]
            before += [last[place] for place in places]
        return cls(
            names=tuple(ids),
            word_T=np.array(words),
            before_T=np.array(before),
            owner_T=held.owner_T.numpy(),
            places=_places(held),
        )

    @cached_property
    def first_half_T(self) -> Array:
        """Mask_T of every other text."""
        half: Array = self.owner_T % 2 == 0
        return half

    def member_T(self, words: Sequence[str]) -> Array:
        """Mask_T of tokens of these words."""
        wanted = {*words}
        return np.array([name in wanted for name in self.names], bool)[self.word_T]


def word_starts(pieces: Sequence[str]) -> list[int]:
    """For every token the place at which its word begins: letters go on, all else begins anew."""
    starts: list[int] = []
    for place, piece in enumerate(pieces):
        goes_on = place and piece[:1].isalpha() and pieces[place - 1][-1:].isalpha()
        starts.append(starts[-1] if goes_on else place)
    return starts


def words_of(pieces: Sequence[str]) -> list[str]:
    """For every token its whole word, in lower case; white space can be seen."""
    starts = word_starts(pieces)
    whole: dict[int, str] = {}
    for start, piece in zip(starts, pieces, strict=True):
        whole[start] = whole.get(start, "") + piece
    return [word_text(whole[start]) for start in starts]


def word_text(text: str) -> str:
    """A token or word as it is compared and shown."""
    return text.strip().lower() or text.translate(VISIBLE) or "∅"


def _places(held: Readings) -> dict[str, Array]:
    """Roles, sources, and roles in sources."""
    roles_T = held.roles_T.numpy()
    sources = [text.source for text in held.texts]
    source_T = np.array(sources)[held.owner_T.numpy()]
    roles = {PLACES[ROLES[role]]: roles_T == role for role in np.unique(roles_T)}
    kinds = {f"of “{source}”": source_T == source for source in dict.fromkeys(sources)}
    both = {
        f"{a} {b}": mask_a & mask_b for a, mask_a in roles.items() for b, mask_b in kinds.items()
    }
    alone = {f"in texts {kind}": mask for kind, mask in kinds.items()}
    return {name: mask for name, mask in {**roles, **alone, **both}.items() if mask.any()}


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
