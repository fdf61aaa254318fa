"""What is known of a moderator before it flags anything: what it says itself, and its data-sheet."""

from dataclasses import dataclass
from typing import Literal

from phoque.run.record import Part
from phoque.stats.rates import Rate

Source = Literal["embedded", "lexicon", "hub", "api"]
CHANCE = 0.5


@dataclass(frozen=True, kw_only=True)
class ClassifierInfo:
    """What a classifier says about itself, before anything is loaded."""

    id: str
    version: str
    """Package and version, or Hub id and revision."""
    source: Source
    construct: str
    """What it was made to see, such as "tone and profanity"."""
    labels: tuple[str, ...]
    """Every label it scores; an answer without one of them is an error."""
    harm_labels: tuple[str, ...]
    """The labels that are harm; the harm score is the highest of them."""
    languages: tuple[str, ...]
    licence: str
    training_data: str
    blind_spots: str
    """What it cannot see, in one sentence for the data-sheet."""
    max_tokens: int | None = None
    """Longest text that is read whole; None has no limit."""
    takes_context: bool = False
    """Whether it reads the turns before the text."""
    batch_size: int = 32
    """Texts it reads at once."""
    sends_text_out: bool = False
    """Whether the text leaves this machine."""


class Bin(Part):
    """Texts whose scores lie in one tenth of the scale."""

    low: float
    high: float
    n: int
    mean_score: float
    harmful: float
    """Share that people call harmful."""


class Calibration(Part):
    """Whether a score of 0.7 is harmful 70 % of the time."""

    bins: tuple[Bin, ...]
    """Only those with texts."""
    expected_error: float
    """Mean distance of share and score over texts, in [0, 1] (Naeini et al. 2015)."""
    brier: float
    """Mean squared error of the scores, in [0, 1] (Brier 1950)."""


class KindRate(Part):
    """How often texts of one kind are flagged."""

    kind: str
    harmful: bool
    """Whether they should be."""
    flagged: Rate


class Operating(Part):
    """Error rates of a moderator at one threshold."""

    threshold: float
    sensitivity: Rate
    """Share of harmful texts that are flagged."""
    false_positive_rate: Rate
    """Share of harmless texts that are flagged."""
    kinds: tuple[KindRate, ...]


class DataSheet(Part):
    """One moderator on one labelled set, on texts as they are or on canonical ones."""

    classifier: str
    digest: str
    test_set: str
    sha256: str
    positive_means: str
    canonical: bool
    auc: Rate
    at_default: Operating
    budget: float
    at_budget: Operating
    """Rates at the lowest threshold that flags at most `budget` of the harmless texts of this very set."""
    calibration: Calibration

    @property
    def better_than_chance(self) -> bool:
        """Whether the moderator ranks this set's harm above its harmless texts at all."""
        return self.auc.low > CHANCE


class Resistance(Part):
    """What one spelling trick does to one moderator at its threshold."""

    trick: str
    canonical: bool
    """Whether the moderator read the canonical form."""
    kept: Rate
    """Share of flagged texts that stay flagged."""
    gained: Rate
    """Share of unflagged harmless texts that become flagged."""

    @property
    def net(self) -> float:
        """Kept minus gained, in [-1, 1]; a moderator that flags whatever looks odd gets nothing."""
        return self.kept.value - self.gained.value
