"""Digits and signs that stand for letters, undone where there is evidence that they do.

The evidence is the word that comes out: it must be known (`vocabulary.py`), and the digit must not
stand apart from it. "4chan", "GPT4o" and "x+y" give no word; "4head" has a whole word without its
digit; "l10n" counts the letters that are left out. A starred letter is filled in only where one
word fits.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, product

from phoque.moderators.vocabulary import is_listed, is_word, only_match

STANDS_FOR = {
    **{"0": "o", "1": "il", "3": "e", "4": "a", "5": "s", "7": "t"},
    **{"@": "a", "$": "s", "!": "il", "|": "li", "+": "t"},
}
"""What each may stand for, the likelier letter first."""
TOKEN = re.compile(r"(?:[^\W_]|[@$!|+*])+")
SPOT = re.compile(r"[013457@$!|+]+")
PUNCTUATION = "!|+*"
"""Around a word these are none of its letters."""
NUMBER = "0123456789@$"
"""Around a word these may be a number of their own: "n00b5" is a plural, "pl4yer1" is not."""
NO_WORD = re.compile(
    r"[a-z][12]\d[a-z]"  # the number of letters left out: l10n, i18n
    r"|(?:[a-h][1-8]){2}"  # squares of a chess board
    r"|s\d+e\d+"  # an episode
    r"|\d+[a-z]{2}\d+"  # so many of so many: 5on5
    r"|[a-z][!|+][a-z]",  # two variables
    re.IGNORECASE,
)
MOST_READINGS = 32
LONGEST = 40
"""Characters; a longer token is no word."""
SHORTEST_ALONE = 4
"""Letters that a word must have where the only digit is at its beginning or end: "5in", "ps4"."""
SHORTEST_OF_TWO = 4
"""Letters that each of two words written as one must have."""
SHORTEST_BESIDE = 3
"""Letters of a word from which a digit before or after it counts or numbers it."""
STRETCHED = re.compile(r"([^a-z])\1{2,}", re.IGNORECASE)


@lru_cache(maxsize=10_000)
def undisguised(token: str) -> str:
    """A token of `TOKEN` with letters in the place of the digits and signs that stand for them.

    Raises:
        PhoqueError: the word lists are not installed.
    """
    if len(STRETCHED.sub(r"\1", token)) > LONGEST:
        return token
    before, after = _around(token, PUNCTUATION)
    body = token[before : len(token) - after]
    if not body or NO_WORD.fullmatch(body):
        return token
    first, last = _around(body, NUMBER)
    for start, cut in ((0, 0), (0, last), (first, 0), (first, last)):
        end = len(body) - cut
        part = STRETCHED.sub(r"\1", body[start:end])
        whole = part == body
        if (whole or len(part) >= SHORTEST_ALONE) and (reading := _reading(part)):
            edges = token[: before + start], token[before + end :]
            return reading.join(edges)
    return token


def _around(text: str, signs: str) -> tuple[int, int]:
    """How many of the signs stand before, and how many behind, the rest of the text."""
    return len(text) - len(text.lstrip(signs)), len(text) - len(text.rstrip(signs))


def _reading(part: str) -> str | None:
    """The word that a part of a token stands for; None where that is not evident."""
    letters = sum(map(str.isalpha, part))
    short_name = part.isupper() and len(part) <= 3
    number = letters < 2 and any(map(str.isdigit, part))
    if not letters < len(part) <= LONGEST or short_name or number or NO_WORD.fullmatch(part):
        return None
    found = _filled(part, letters) if "*" in part else _spelled(part)
    return found and _as_written(part, found)


def _spelled(part: str) -> str | None:
    return next((one for one in _readings(part) if _is_evident(part, one)), None)


def _readings(part: str) -> Iterator[str]:
    """The part with every choice of letters; the same sign in a row is the same letter."""
    runs = [found[0] for found in re.finditer(r"(.)\1*", part.lower())]
    choices = [[letter * len(run) for letter in STANDS_FOR.get(run[0], run[0])] for run in runs]
    yield from map("".join, islice(product(*choices), MOST_READINGS))


def _is_evident(part: str, reading: str) -> bool:
    if is_listed(reading):
        return True
    spots = [found.span() for found in SPOT.finditer(part)]
    if any(start > 0 and end < len(part) for start, end in spots):
        return is_word(reading) or _is_two_words(reading, spots)
    rest = SPOT.sub("", part.lower())
    apart = len(rest) >= SHORTEST_BESIDE and is_word(rest)
    return len(reading) >= SHORTEST_ALONE and is_word(reading) and not apart


def _is_two_words(reading: str, spots: list[tuple[int, int]]) -> bool:
    """Whether it is two words, and no digit stands between them."""
    return any(
        is_word(reading[:place]) and is_word(reading[place:])
        for place in range(SHORTEST_OF_TWO, len(reading) - SHORTEST_OF_TWO + 1)
        if not any(start <= place <= end for start, end in spots)
    )


def _filled(part: str, letters: int) -> str | None:
    stars = part.count("*")
    if letters < 3 or stars > letters or "*" in (part[0], part[-1]):
        return None
    classes = STANDS_FOR | {"*": "a-z"}
    pattern = "".join(f"[{classes[c]}]" if c in classes else re.escape(c) for c in part.lower())
    found = only_match(pattern, len(part))
    # Of a word with several stars too little is left to tell another one than those people hide.
    return found if found and (stars == 1 or is_listed(found)) else None


def _as_written(part: str, reading: str) -> str:
    if part.isupper():
        return reading.upper()
    pairs = zip(part, reading, strict=True)
    return "".join(old if old.isalpha() else new for old, new in pairs)
