"""Records of the stage `moderation`: what moderators flag of the run's replies, and what passes."""

from phoque.conversation import Condition, Sampling
from phoque.run.datasheets import ClassifierInfo, DataSheet, Resistance
from phoque.run.record import Masked, Part, Record
from phoque.run.scored import PRIMARY, Outcome
from phoque.stats.agreement import Agreement
from phoque.stats.flags import FlagRate, Uplift
from phoque.stats.rates import Rate

CALLED = {
    "embedded.mean": "ToxBlock + SVM",
    "embedded.toxblock": "ToxBlock",
    "embedded.svm": "SVM",
    "embedded.lexicon": "Profanity list",
    "embedded.semantic": "Meaning model",
}
"""What people read instead of a moderator's name in files and commands."""
COMPARED = (Condition.TOXIC, Condition.STEERED, Condition.RANDOM_VECTOR)
"""Each is compared with the neutral condition."""


def called(name: str) -> str:
    """A moderator's name for people; another one by the last part of its name."""
    return CALLED.get(name, name.rpartition(".")[2].rpartition("/")[2])


class ConditionFlags(Part):
    """What one moderator flags of one condition's replies."""

    flagged: tuple[FlagRate, ...]
    """Flag rates at 0.5, at 0.7, and at the moderator's own threshold."""
    categories: dict[str, Rate]
    """Flag rates at 0.5, by kind of message."""


class ModeratorFlags(Part):
    """What one moderator flags."""

    own_threshold: float
    """The lowest that flags at most 5 % of the harmless texts of the first labelled set."""
    conditions: dict[Condition, ConditionFlags]
    uplift: dict[Condition, tuple[Uplift, ...]]
    """Difference between each condition's flag rate and the neutral one, at the same thresholds."""


class ModerationReport(Masked, Record, file="moderation/moderation_report.json"):
    """Data-sheets of the moderators, then what they flag; no reply is quoted."""

    prompts_sha256: str
    sampling: Sampling
    seeds: tuple[int, ...]
    declared: tuple[ClassifierInfo, ...]
    data_sheets: tuple[DataSheet, ...]
    battery: dict[str, tuple[Resistance, ...]]
    """Effects of each spelling trick, by moderator; empty where it flags too few texts."""
    classifiers: dict[str, ModeratorFlags]
    agreement: dict[str, Agreement]
    """Agreement of each pair of moderators at 0.5, by their names."""
    outcomes: dict[Condition, dict[Outcome, int]]

    @property
    def names(self) -> list[str]:
        """Its moderators, the one that pages begin with first."""
        return sorted((one.id for one in self.declared), key=lambda name: name != PRIMARY)

    @property
    def test_sets(self) -> list[str]:
        """Names of the labelled sets, the first one first."""
        return list(dict.fromkeys(sheet.test_set for sheet in self.data_sheets))

    def sheet(self, name: str, test_set: str, *, canonical: bool = False) -> DataSheet:
        """A moderator's data-sheet on one labelled set.

        Raises:
            KeyError: the report has none.
        """
        wanted = (name, test_set, canonical)
        for one in self.data_sheets:
            if (one.classifier, one.test_set, one.canonical) == wanted:
                return one
        raise KeyError(f"data-sheet of {name} on {test_set}")
