"""What every judge is: pairs of message and reply in, one number a reply out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from phoque.stats.rates import grouped

V = TypeVar("V")


@dataclass(frozen=True)
class Exchange:
    """A reply, and the message it answers; a text that answers nothing has an empty message."""

    message: str
    reply: str


class Judge(Protocol):
    """Ranks replies by how hostile they are to whoever wrote the message.

    Numbers of two judges are on different scales; only their order means something.
    """

    name: str
    digest: str
    """Fingerprint of weights and settings: the same digest gives the same scores."""

    def scores(self, exchanges: Sequence[Exchange]) -> list[float]:
        """One score per exchange, in order; a higher score is more hostile."""
        ...


def by_message(exchanges: Sequence[Exchange], values: Iterable[V]) -> dict[str, list[V]]:
    """What was found of each reply, by the message that it answers."""
    return grouped(zip((one.message for one in exchanges), values, strict=True))
