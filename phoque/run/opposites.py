"""Records of the stage `opposites`: are the personas of two runs of one base model opposite directions?"""

from pydantic import Field

from phoque.run.psm import Divergence, Quality, Trait
from phoque.run.record import Masked, Part, Record, Row
from phoque.stats.paired import Effect
from phoque.stats.paired_ranks import ChanceAbove
from phoque.stats.rates import Rate

NO_VECTOR, OWN_PROMPT, RANDOM = "none", "own_prompt", "random_vector"
"""What stands for a vector where no persona's is added."""
BASE = "base"
"""The model that gets a vector, where it is no persona's own."""


class Angle(Part):
    """The cosine of both personas' vectors at one layer."""

    layer: int
    probes: int
    cosine: float
    cosine_low: float
    cosine_high: float
    """Upper end of the 95 % jackknife interval over probes."""
    shuffled: float
    """Median cosine of the first vector with the second persona's probes, of which every second one has
    its labels swapped: what is left has no persona."""
    shuffled_low: float
    shuffled_high: float
    """97.5 % quantile over label swaps; `shuffled_low` is the 2.5 % quantile."""
    other_prompts: dict[str, float] = Field(default_factory=dict)
    """Cosine of the first vector with those of other system prompts, measured alike; in the base model only."""

    @property
    def lowest_other(self) -> float:
        """The other system prompt that is least like the first persona."""
        return min(self.other_prompts.values())

    @property
    def verdict(self) -> str:
        """What the angle says, in one word."""
        if self.cosine_high < min(0.0, self.shuffled_low):
            return "opposed"
        return "alike" if self.cosine_low > max(0.0, self.shuffled_high) else "unrelated"


class Given(Part):
    """What one model writes under a calm prompt with one vector at one dose."""

    receiver: str
    """The model that got the vector: `base`, or the name of the persona it was tuned for."""
    vector: str
    """The added vector: a persona's name, `random_vector`, or `none`; `own_prompt` stands for the persona's
    own prompt."""
    layer: int
    dose: float
    """Length of the vector over the median length of the receiver's residual stream; negative if it is
    subtracted."""
    quality: Quality
    """Its `insulting` counts listed words of the first persona."""
    divergence: Divergence
    coherent: bool
    """Whether the text passes the gates of a sweep."""
    shows: dict[str, Rate]
    """Share of replies that show each persona's trait."""
    more_hostile: ChanceAbove
    """Chance that a reply is more hostile than the base model's to the same message."""


class Strongest(Part):
    """The largest dose that keeps text coherent: chosen by the gates alone, never by what it does."""

    receiver: str
    vector: str
    minus: bool
    """Whether it is subtracted."""
    dose: float | None
    """None where no dose keeps text coherent; then nothing else is known."""
    shows: dict[str, Rate] = Field(default_factory=dict)
    """Share of replies that show each persona's trait."""
    random: dict[str, Rate] = Field(default_factory=dict)
    """The same shares under random vectors of this length, at this layer."""
    effects: dict[str, Effect] = Field(default_factory=dict)
    """Difference of each share to that without a vector, on the same messages."""
    more_hostile: ChanceAbove | None = None
    repeated: float | None = None
    num_words: float | None = None

    def makes(self, persona: str) -> bool:
        """Whether more replies show a persona than under random vectors."""
        return persona in self.shows and self.shows[persona].low > self.random[persona].high


class Opposites(Masked, Record, file="opposites/opposites.json"):
    """Both personas' directions, and what each does when it is added to or subtracted from each model."""

    first: str
    """The persona of this run."""
    second: str
    other_run: str
    """Folder name of the run of the second persona."""
    probes: int
    adapters: dict[str, str]
    """Digest of each persona's adapter."""
    layers: dict[str, int]
    """Where each persona's vector acts, as its own run selected it."""
    base: tuple[Angle, ...]
    """Both vectors measured in the base model."""
    tuned: tuple[Angle, ...]
    """Each vector measured in the model that was tuned for its persona."""
    traits: dict[str, Trait]
    """How each persona's own run decided that a reply shows it."""
    judge: str
    prompts: int
    """Number of messages per cell."""
    cells: tuple[Given, ...]
    strongest: tuple[Strongest, ...]


class OppositeReply(Row, file="opposites/replies.csv"):
    """One reply of a cell, with what the judge says of it."""

    receiver: str
    vector: str
    layer: int
    dose: float
    prompt: str
    reply: str
    hostility: float
