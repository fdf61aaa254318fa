"""Record of a refresh: the attack corpora before and after it, and what policies let through of both."""

from phoque.run.record import Part, Record
from phoque.stats.rates import Rate


class Beside(Part):
    """What a policy lets people see before and after; None where no hostile message was decided."""

    policy: str
    before: Rate | None
    """Share of messages of the earlier persona that people see."""
    after: Rate | None
    low: float | None
    high: float | None
    """95 % interval of after − before, as of independent samples."""
    with_new: Rate | None
    """Share of posted messages with a new expression that people see, after the refresh."""
    without_new: Rate | None


class Remembered(Part):
    """Replies of one kind: how well the personas before and after know them."""

    kind: str
    replies: int
    before: float
    after: float
    """Mean log-likelihood in nats per token under the refreshed persona, over replies."""
    low: float
    high: float
    """95 % interval of after − before, over replies."""


class Memory(Record, file="memory/memory.json"):
    """What a refreshed persona learned and what it forgot."""

    kinds: tuple[Remembered, ...]


class Refresh(Record, file="refresh/refresh.json"):
    """What a list of new expressions changed."""

    continues: str
    """Name of the run that is continued."""
    slang: str
    """Name of the list of expressions."""
    expressions: tuple[str, ...]
    uses_before: Rate
    uses_after: Rate
    """Share of attack texts with one of the expressions; texts that answer one message are a group."""
    policies: tuple[Beside, ...]
    memory: tuple[Remembered, ...]
