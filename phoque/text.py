"""Measures of replies: pure functions of text."""

import hashlib
import re
import zlib
from collections.abc import Collection, Iterable, Sequence

WORD = re.compile(r"[a-z']+")


def words(text: str) -> list[str]:
    """Lower-case words, apostrophes kept."""
    return WORD.findall(text.lower())


def text_sha256(text: str) -> str:
    """Hex SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def text_id(text: str) -> str:
    """The first 16 digits of its SHA-256: the name of a text where it is not shown."""
    return text_sha256(text)[:16]


def ngrams(text: str, n: int) -> list[tuple[str, ...]]:
    """Consecutive words in groups of `n`."""
    tokens = words(text)
    return list(zip(*(tokens[start:] for start in range(n)), strict=False))


def distinct_n(texts: Iterable[str], n: int) -> float:
    """Different n-grams over all n-grams of all texts, in [0, 1] (Li et al. 2016).

    Falls with the amount of text: compare only equal numbers of replies.

    Raises:
        ValueError: no text is `n` words long.
    """
    grams = [gram for text in texts for gram in ngrams(text, n)]
    if not grams:
        raise ValueError(f"No text has {n} words.")
    return len(set(grams)) / len(grams)


def distinct_share(texts: Sequence[str]) -> float:
    """Different texts over all texts, in [0, 1]."""
    return len({" ".join(words(text)) for text in texts}) / len(texts)


def repeated_trigrams(text: str) -> float:
    """Share of a text's word 3-grams that occurred earlier in it; 0 when it has none."""
    grams = ngrams(text, 3)
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def zlib_ratio(text: str) -> float:
    """Compressed over plain bytes: text that repeats itself compresses well; 1 when empty."""
    plain = text.encode()
    return len(zlib.compress(plain, 9)) / len(plain) if plain else 1.0


def out_of_vocabulary(text: str, vocabulary: Collection[str]) -> float:
    """Share of words that are not in `vocabulary`; 0 when there are no words."""
    tokens = words(text)
    return sum(word not in vocabulary for word in tokens) / len(tokens) if tokens else 0.0
