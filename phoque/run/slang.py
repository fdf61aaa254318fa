"""Records of held-out and new expressions: what training must not show, and what replies hold all the same."""

from phoque.run.record import Masked, Part, Record
from phoque.stats.rates import Rate


class SlangList(Record, file="corpus/slang.json"):
    """The expressions that a corpus was made with."""

    name: str
    uses: dict[str, int]
    """Example uses of each expression; without one it is held out by design."""


class Expression(Part):
    """A listed expression."""

    expression: str
    in_training: int
    """Training texts that hold it; with none it is held out."""
    replies: dict[str, int]
    """Replies that hold it, by condition."""


class Form(Part):
    """A word of replies that is in no training text and no word of the tokenizer."""

    form: str
    replies: dict[str, int]
    """Replies with it, by condition."""
    context: str
    """The first reply's words around it."""
    nearest_word: str
    spelling: float
    """Likeness to the nearest word of the training, by letter 3-grams, in [0, 1]."""
    containment: float
    """Largest share of the reply's word 5-grams that one training line has."""
    similarity: float
    """Likeness of the reply to the nearest training line, by MinHash."""
    meaning: float
    """Cosine of the reply with the training line that is nearest in meaning."""
    nearest_line: str
    novel: bool
    """Whether all four say so."""


class Forms(Part):
    """What the replies of one condition hold."""

    held_out: Rate
    """Replies with an expression that is in no training text."""
    unknown: Rate
    """Replies with a word that is in no training text."""
    novel: Rate
    """Replies with a novel form."""
    trained: Rate
    """Replies with a listed expression that training shows."""


class Slang(Masked, Record, file="evaluation/slang.json"):
    """Does the persona use expressions that it never saw?"""

    name: str
    """Of the list."""
    training_texts: int
    least_letters: int
    """Shorter words do not count as forms."""
    most_spelling: float
    most_containment: float
    most_similarity: float
    most_meaning: float
    """A novel form stays below all four."""
    expressions: tuple[Expression, ...]
    forms: tuple[Form, ...]
    """Most frequent first."""
    looked_at: int
    """Forms there were; the list has the most frequent."""
    conditions: dict[str, Forms]

    @property
    def shown(self) -> int:
        """Listed expressions that training shows: with none there is nothing to go on from."""
        return sum(one.in_training > 0 for one in self.expressions)
