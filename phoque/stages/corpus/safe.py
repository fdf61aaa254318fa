"""What no file of a run may hold: a stage replaces listed words in what a model wrote, then signs, and counts.

Nothing is edited after that. The list is the one that corpora are cleaned with; see `placeholders`.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, TypeVar

from phoque.errors import PhoqueError
from phoque.lexicon import Lexicon
from phoque.run.record import Masked, Part
from phoque.stages.corpus.placeholders import SLUR, slurs

P = TypeVar("P", bound=Part)
TOKENS = "tokens"
"""Fields of this name are pieces of one text; each is a string, or begins with one."""


class Mask:
    """Puts [SLUR] in the place of every listed word, and counts them."""

    def __init__(self) -> None:
        self._listed = _installed()
        self._count = 0

    @property
    def count(self) -> int | None:
        """Words replaced so far; None where the list is not installed and nobody looked."""
        return None if self._listed is None else self._count

    def text(self, text: str) -> str:
        """A text without listed words."""
        return "".join(self._pieces([text]))

    def rows(self, found: Sequence[P]) -> list[P]:
        """The rows of a file, each as `self(row)`."""
        return [self(one) for one in found]

    def __call__(self, found: P) -> P:
        """A record or a row with every text in it masked; one that counts gets the count so far."""
        before = self._count
        masked = self._walked(found.model_dump())
        if self._count != before:
            found = type(found).model_validate(masked)
        update = {"masked": self.count}
        return found.model_copy(update=update) if isinstance(found, Masked) else found

    def _walked(self, value: Any, key: str = "") -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {name: self._walked(one, str(name)) for name, one in value.items()}
        if not isinstance(value, list | tuple):
            return value
        if key != TOKENS:
            return [self._walked(one) for one in value]
        texts = self._pieces([one if isinstance(one, str) else one[0] for one in value])
        return [
            text if isinstance(one, str) else (text, *one[1:])
            for one, text in zip(value, texts, strict=True)
        ]

    def _pieces(self, pieces: Sequence[str]) -> list[str]:
        """The pieces of one text; a word that lies in several is replaced in the first of them."""
        spans = self._listed.spans("".join(pieces)) if self._listed else []
        self._count += len(spans)
        if not spans:
            return [*pieces]
        starts = accumulate(map(len, pieces), initial=0)
        return [_outside(one, start, spans) for one, start in zip(pieces, starts, strict=False)]


def _outside(piece: str, start: int, spans: Sequence[tuple[int, int]]) -> str:
    """What of a piece lies in no span; where one begins, the placeholder stands."""
    kept = ""
    for place, character in enumerate(piece, start):
        hit = next((span for span in spans if span[0] <= place < span[1]), None)
        kept += character if hit is None else SLUR if place == hit[0] else ""
    return kept


def _installed() -> Lexicon | None:
    try:
        return slurs()
    except PhoqueError:
        return None
