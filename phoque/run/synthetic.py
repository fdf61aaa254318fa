"""Records of the stage `regenerate`: an attack corpus and what it is made of."""

from phoque.personas import Counted
from phoque.run.corpus import Style
from phoque.run.record import Part, Record, Row
from phoque.stats.rates import Rate


class Attack(Row, file="synthetic/attacks.jsonl"):
    """One text and how it was made."""

    target: str
    style: Style
    prompt: str
    text: str
    seed: int
    containment: float
    similarity: float
    """With the nearest training line, in [0, 1]."""
    words: int
    harm_scores: dict[str, float]
    """By moderator."""


class Kind(Part):
    """Texts of one target, style and length."""

    target: str
    style: Style
    words: tuple[int, int]
    """First and last number of words."""
    wanted: int
    texts: int


class Likeness(Part):
    """How near texts lie to the nearest training line, in [0, 1]: half of them no nearer, and 19 of 20."""

    median: float
    most: float
    """95th percentile."""


class AttackSummary(Record, file="synthetic/summary.json"):
    """Counts by kind, what was left out, and what moderators flag."""

    run: str
    model: str
    seed: int
    counted: Counted = "words"
    """What shows that a text is hostile: listed words alone, or the judge, too."""
    texts: int
    wanted: int
    drawn: int
    """Replies that were drawn; those that were not kept are in `dropped`."""
    kinds: tuple[Kind, ...]
    filled: int
    """Kinds that have a text."""
    containment: Likeness
    """Share of a text's word 5-grams in one training line."""
    similarity: Likeness
    """By MinHash."""
    dropped: dict[str, int]
    """By reason."""
    threshold: float
    flagged: dict[str, Rate]
    """By moderator."""
