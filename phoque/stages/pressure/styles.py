"""The styles of an adversary: a fixed list, the same for everyone, that no moderator is asked about."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from phoque.moderators.battery import TRICKS
from phoque.run.pressure import Kind

MOST_WORDS_OF_CHAT = 30
PLAIN, IMPLICIT, SHOUTED, LOWER = "plain", "implicit", "upper case", "lower case"


@dataclass(frozen=True)
class Style:
    """One way to write: which texts it takes, how it changes them, and what they become."""

    name: str
    kind: Kind
    change: Callable[[str], str]

    @property
    def takes(self) -> Kind:
        """The kind of text it starts from."""
        return Kind.IMPLICIT if self.kind is Kind.IMPLICIT else Kind.LISTED

    def register(self, text: str) -> str:
        """How a text of this style is written."""
        if self.name in {SHOUTED, LOWER}:
            return self.name
        return "prose" if len(text.split()) > MOST_WORDS_OF_CHAT else "chat"


STYLES = {
    one.name: one
    for one in (
        Style(PLAIN, Kind.LISTED, str),
        Style(IMPLICIT, Kind.IMPLICIT, str),
        Style(LOWER, Kind.LISTED, str.lower),
        Style(SHOUTED, Kind.LISTED, str.upper),
        *(Style(name, Kind.SPELLING, trick) for name, trick in TRICKS.items() if name != SHOUTED),
    )
}
"""All styles by name: registers, implicit texts, and the spelling tricks of the battery."""


@lru_cache(maxsize=50_000)
def written(text: str, style: str) -> str:
    """A text in a style."""
    return STYLES[style].change(text)
