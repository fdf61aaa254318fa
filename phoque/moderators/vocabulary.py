"""Words that the embedded moderators know: evidence that a spelling stands for a word.

They come from the installed wheels, as the moderators do; no word of them is part of this project.
Every function raises a `PhoqueError` where the wheels are not installed, and takes lower case.
"""

import re
from functools import cache

from phoque.moderators import listed, svm, toxblock
from phoque.stats.rates import grouped

LONG = 3
FREQUENT = 4000
"""Words of up to `LONG` letters count if they are among so many of the most frequent, or listed:
rarer ones are mostly abbreviations."""
ENDINGS = {"s": "", "es": "", "ies": "y", "ed": "", "d": "", "er": "", "ers": "", "ing": ""}
"""Inflections, and what the word has in their place."""
SHORTEST_STEM = 4
PLAYERS = frozenset({"leet", "haxor", "newb", "newbs", "pwned", "rekt", "woot"})
"""Players' words that are too young for the lists."""
LONGEST = 24
"""Letters of a word."""
LONGEST_ROW = 5000
"""Letters set apart that are looked at: what is longer is no message."""
PIECES = frozenset((
    "a", "am", "an", "as", "at", "be", "by", "do", "go", "he", "i", "if", "in", "is", "it", "me",
    "my", "no", "of", "on", "or", "so", "to", "up", "us", "we"
))  # fmt: skip
"""Short words that count in a row of letters set apart; other short ones are abbreviations."""
PLAIN = re.compile(r"[a-z]{2,}")


def is_word(word: str) -> bool:
    """Whether a word, or what it is an inflection of, is known."""
    fitting = [ending for ending in ENDINGS if word.endswith(ending)]
    stems = (word.removesuffix(ending) + ENDINGS[ending] for ending in fitting)
    return word in _words() or any(len(s) >= SHORTEST_STEM and s in _words() for s in stems)


def is_listed(word: str) -> bool:
    """Whether a word is on the moderators' list: those are the ones people hide."""
    return word in _listed()


def words_in(letters: str) -> list[str]:
    """Known words that make up the letters, as few as possible; empty where none do.

    One of them has four letters or is listed: shorter ones are initials.
    """
    if len(letters) > LONGEST_ROW:
        return []
    # Of every beginning: how few words make it up, and where the last of them starts.
    best: list[tuple[int, int] | None] = [(0, 0)]
    for end in range(1, len(letters) + 1):
        ways = [
            (before[0] + 1, start)
            for start in range(max(0, end - LONGEST), end)
            if (before := best[start]) and _is_piece(letters[start:end])
        ]
        best.append(min(ways, default=None))
    found: list[str] = []
    end = len(letters)
    while end and (last := best[end]):
        found.insert(0, letters[last[1] : end])
        end = last[1]
    return found if any(len(one) > LONG or is_listed(one) for one in found) else []


def _is_piece(letters: str) -> bool:
    return letters in PIECES or (len(letters) >= LONG and is_word(letters))


def only_match(pattern: str, length: int) -> str | None:
    """The one word of a length that a regular expression fits whole; None where several do.

    Only listed words count, if one of them fits.
    """
    fits = re.compile(pattern).fullmatch
    found = [word for word in _by_length().get(length, ()) if fits(word)]
    alone = [word for word in found if word in _listed() and word in _learned()] or found
    return alone[0] if len(alone) == 1 else None


@cache
def _words() -> frozenset[str]:
    return _learned() | _listed() | PLAYERS


@cache
def _learned() -> frozenset[str]:
    by_frequency = toxblock.words()
    long = {word for word in (*by_frequency, *svm.words()) if len(word) > LONG}
    return frozenset(filter(PLAIN.fullmatch, long.union(by_frequency[:FREQUENT])))


@cache
def _listed() -> frozenset[str]:
    return frozenset(filter(PLAIN.fullmatch, map(str.lower, listed.words())))


@cache
def _by_length() -> dict[int, list[str]]:
    return grouped((len(word), word) for word in sorted(_words()))
