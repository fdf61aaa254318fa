"""Record of a refresh: the attack corpora before and after it, and what policies let through of both."""

from phoque.run.record import Part, Record
from phoque.stats.rates import Rate


class Beside(Part):
    """What a policy lets people see; None where no hostile message was decided."""

    policy: str
    before: Rate | None
    """Of what the persona before wrote."""
    after: Rate | None
    low: float | None
    high: float | None
    """95 % interval of after − before, as of independent samples."""
    with_new: Rate | None
    """After, of posted messages with a new expression: the share that people see."""
    without_new: Rate | None


class Remembered(Part):
    """Replies of one kind: how well the personas before and after know them."""

    kind: str
    replies: int
    before: float
    after: float
    """Nats a token, the mean over replies."""
    low: float
    high: float
    """95 % interval of after − before, over replies."""


class Memory(Record, file="memory/memory.json"):
    """What a refreshed persona learned and what it forgot."""

    kinds: tuple[Remembered, ...]


class Refresh(Record, file="refresh/refresh.json"):
    """What a list of new expressions changed."""

    continues: str
    """Name of the run before."""
    slang: str
    """Name of the list."""
    expressions: tuple[str, ...]
    uses_before: Rate
    uses_after: Rate
    """Share of attack texts with one of the expressions; texts that answer one message are a group."""
    policies: tuple[Beside, ...]
    memory: tuple[Remembered, ...]
