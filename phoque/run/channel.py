"""A pressure test's channel as a page shows it: its beginning, in `channel.jsonl`, or while it goes on."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from pydantic import Field

from phoque.run.pressure import SEEN, Kind, Outcome, Role, Turn
from phoque.run.record import Row

SHOWN = 120
"""Messages of the first seed that a page shows, under each policy."""


class Said(Row, file="pressure/channel.jsonl"):
    """One message as a visitor sees it: who says what, and what becomes of it."""

    policy: str
    number: int
    """Place in the traffic."""
    at: float
    """Seconds since the channel opened."""
    speaker: str
    role: Role
    style: str
    kind: Kind | None = None
    """None of harmless messages."""
    text: str | None = None
    """None where it was not posted, or the test was made without texts."""
    outcome: Outcome
    level: float | None = None
    """None where nothing was decided."""
    waited: float | None = None
    """Seconds until a reviewer had decided."""
    muted: dict[str, float] = Field(default_factory=dict)
    """Who was muted by this message, or by reviewers since the one before, and when."""

    @property
    def wrong(self) -> bool:
        """Whether people see a hostile message, or do not see a harmless one."""
        return (self.outcome in SEEN) == (self.role is Role.HOSTILE)

    @classmethod
    def of(cls, turn: Turn) -> Self:
        """What is shown of a turn; what a muted speaker would have said is nobody's business."""
        known = turn.model_dump(include=set(cls.model_fields))
        if turn.outcome is Outcome.MUTED:
            known["text"] = None
        return cls(**known)


@dataclass(frozen=True)
class Watched:
    """A channel that begins."""

    total: int
    """Messages."""
    turns: Iterator[tuple[Turn, ...]]
    """Each message under every policy."""
    steps: Iterator[str] = field(default_factory=lambda: iter(()))
    """What is loaded before the first message, each said before it is done; `turns` does what is left."""
