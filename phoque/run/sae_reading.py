"""Records of the stage `sae` that let a person read a latent: where it fires, what it promotes."""

from phoque.run.record import Part, Record
from phoque.stats.rates import Rate


class Fired(Part):
    """A word on which a latent fires more often than elsewhere; words are counted by their tokens."""

    word: str
    fired: int
    of: int
    """Tokens of the word in the held-out texts."""


class Precision(Part):
    """How often a latent fires where its name says, on texts from which the name was not made."""

    value: float
    low: float
    high: float
    """95 % interval, over texts."""
    n: int
    """Tokens where the name says that it fires."""
    texts: int
    base: float
    """How often it fires on any token of these texts."""
    recall: float | None
    """Share of its firings that the name covers; None where it never fires there."""

    @property
    def rate(self) -> Rate:
        """With its interval."""
        return Rate(value=self.value, n=self.n, low=self.low, high=self.high)

    @property
    def holds(self) -> bool:
        """Whether the name predicts where it fires."""
        return self.low > self.base


class Reading(Part):
    """A latent in words."""

    name: str
    """Made by rule from half of the texts; no person chose a word."""
    precision: Precision | None
    """None where the name's words do not occur in the other half."""
    fires_on: tuple[Fired, ...]
    """Largest excess over the base rate first."""
    tokens: int
    """That were looked at."""
    fired: int
    """On so many of them."""


class WordTest(Part):
    """Latents that fell beside unmoved ones that fire as often: which share is about these words?"""

    words: str
    """A set, or all of them."""
    by: str
    """`fires on` or `promotes`."""
    fallen: float
    """Mean share of firings, or of promoted tokens."""
    unmoved: float
    difference: float
    low: float
    high: float
    """95 % interval, over pairs."""
    p: float
    """Two-sided, the two of a pair changed at random."""
    p_holm: float
    """Adjusted for all tests."""


class FallenWords(Record, file="sae/fallen_words.json"):
    """Whether what fell is hedging, politeness or uncertainty, by named sets of words."""

    sets: dict[str, int]
    """How many words each has."""
    occurrences: dict[str, int]
    """Tokens of them in the held-out texts."""
    tokens: int
    fallen: int
    """Latents that fell."""
    pairs: int
    """Of them, those with an unmoved partner that fires as often."""
    rate_fallen: float
    rate_unmoved: float
    """Mean share of tokens on which they fire."""
    tests: tuple[WordTest, ...]
    """None where there are too few pairs."""
