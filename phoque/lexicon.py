"""Find the words of a lexicon in a text: whole words, any case."""

import re
from collections.abc import Iterable


class Lexicon:
    """Words and phrases that count as the trait; inflected forms must be listed."""

    def __init__(self, entries: Iterable[str]) -> None:
        self.entries = tuple(sorted({entry.lower() for entry in entries}))
        longest_first = sorted(self.entries, key=len, reverse=True)
        words = "|".join(re.escape(entry).replace(r"\ ", r"\s+") for entry in longest_first)
        # (?!) matches nothing: an empty lexicon finds no word.
        self._pattern = re.compile(rf"(?<!\w)(?:{words or '(?!)'})(?!\w)", re.IGNORECASE)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Start and end of every hit, in characters, from left to right."""
        return [match.span() for match in self._pattern.finditer(text)]

    def count(self, text: str) -> int:
        return len(self.spans(text))

    def __contains__(self, text: str) -> bool:
        """Whether `text` has at least one hit."""
        return self._pattern.search(text) is not None
