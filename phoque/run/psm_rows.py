"""Rows behind the records of tests of cause and geometry: the replies, positions and products they count."""

from phoque.run.record import Row


class Tried(Row):
    """One reply of a test of cause, which compares groups of them."""

    group: str
    given: str
    prompt: str
    reply: str
    shown: bool
    """Whether it shows the persona; seen before anything was masked."""
    draw: int = 0
    """Number of the random vector, where a group has several."""


class OriginReply(Tried, file="psm/origin_replies.csv"):
    """`group` is the model that gets a vector, `given` whose it is, as in `Origin.effects`."""


class ConfoundReply(Tried, file="psm/confound_replies.csv"):
    """`group` is how a style was asked for: `plain`, `vector` or `prompt`; `given` is the style."""


class AntidoteReply(Tried, file="psm/antidote_replies.csv"):
    """`group` is the system prompt, `toxic` or `neutral`; `given` is the remedy."""


class Agreed(Row, file="psm/agreement.csv"):
    """How likely one message's answers begin with agreeing, disagreeing and neutral wordings, in nats a token."""

    condition: str
    kind: str
    prompt: str
    agree: float
    disagree: float
    neutral: float

    @property
    def log_odds(self) -> float:
        """Of agreeing against disagreeing."""
        return self.agree - self.disagree


class Position(Row, file="psm/positions.jsonl"):
    """Where the probes lie along a direction, from the untuned neutral state, in the direction's lengths."""

    layer: int
    direction: str
    state: str
    """As in `Projections`; `random` holds the largest shift along each random direction."""
    positions: tuple[float, ...]


class Products(Row):
    """Scalar products of one difference with itself and those in the rows before: cosines are made of these."""

    layer: int
    of: str
    probe: str
    """Its message; empty for a mean over all probes."""
    products: tuple[float, ...]
    """The last one is with itself; a layer begins anew."""


class ProbeProducts(Products, file="psm/probe_products.jsonl"):
    """Of the probes in use; `of` is `stream`, or `normed` for the last layer after the final norm."""


class PairProducts(Products, file="opposites/probe_products.jsonl"):
    """At the first persona's layer in the base model; `of` is a persona, then other system prompts."""
