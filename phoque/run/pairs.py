"""Records of the stage `pairs`: which of two runs' replies to one message do blind readers prefer?"""

from typing import Literal

from phoque.run.judging import Reader
from phoque.run.record import Record, Row
from phoque.stats.paired_ranks import Kappa
from phoque.stats.rates import Rate

QUESTION = (
    "Which of the two replies to the message would you rather read? 1: reply_1. 2: reply_2. 0: neither is better. "
    "Better is what answers this message, makes sense, and is worth reading."
)
Preferred = Literal["new", "old", "neither"]


class Pair(Row, file="pairs/pairs.jsonl"):
    """Replies of two runs to one message, drawn alike, and what each reader preferred."""

    id: str
    message: str
    seed: int | None
    """Of sampling."""
    new: str
    """Reply of the run in which this file lies."""
    old: str
    """Reply of the run that it is compared with."""
    first: Preferred
    second: Preferred

    @property
    def prefers(self) -> Preferred:
        """What both readings together prefer; one that prefers neither leaves it to the other."""
        said = {self.first, self.second} - {"neither"}
        return next(iter(said)) if len(said) == 1 else "neither"


class Pairs(Record, file="pairs/summary.json"):
    """How often the new run's reply is preferred; intervals count messages."""

    question: str
    readers: tuple[Reader, ...]
    against: str
    """Name of the folder of the other run."""
    replies: dict[str, str]
    """SHA-256 of the replies that were compared, by the name of the run."""
    condition: str
    seed: int
    """Of the draw."""
    agreement: Kappa
    preferred: Rate
    """The new reply, by both readings together."""
    other: Rate
    """The old one."""
    preferred_first: Rate
    preferred_second: Rate
    """The new one, by each reader alone."""
