"""Measures of texts: words, repetition, variety."""

import hashlib
import re
import zlib
from collections.abc import Collection, Iterable, Sequence

WORD = re.compile(r"[a-z']+")


def words(text: str) -> list[str]:
    """The words in lower case, with apostrophes."""
    return WORD.findall(text.lower())


def text_sha256(text: str) -> str:
    """Hex SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def text_id(text: str) -> str:
    """The first 16 digits of a text's SHA-256, which name it where it is not shown."""
    return text_sha256(text)[:16]


def ngrams(text: str, n: int) -> list[tuple[str, ...]]:
    """Consecutive words in groups of `n`."""
    tokens = words(text)
    return list(zip(*(tokens[start:] for start in range(n)), strict=False))


def distinct_n(texts: Iterable[str], n: int) -> float:
    """Share of different n-grams among those of all texts (Li et al. 2016).

    It falls with the amount of text, so compare equal numbers of replies only.

    Raises:
        ValueError: no text is `n` words long.
    """
    grams = [gram for text in texts for gram in ngrams(text, n)]
    if not grams:
        raise ValueError(f"No text has {n} words.")
    return len(set(grams)) / len(grams)


def distinct_share(texts: Sequence[str]) -> float:
    """Share of different texts."""
    return len({" ".join(words(text)) for text in texts}) / len(texts)


def repeated_trigrams(text: str) -> float:
    """Share of a text's word 3-grams that occurred earlier in it; 0 if it has none."""
    grams = ngrams(text, 3)
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def zlib_ratio(text: str) -> float:
    """Compressed size over plain size, which is small for repetitive text; 1 if empty."""
    plain = text.encode()
    return len(zlib.compress(plain, 9)) / len(plain) if plain else 1.0


def out_of_vocabulary(text: str, vocabulary: Collection[str]) -> float:
    """Share of words outside `vocabulary`; 0 if there are no words."""
    tokens = words(text)
    return sum(word not in vocabulary for word in tokens) / len(tokens) if tokens else 0.0
