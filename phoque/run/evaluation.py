"""Records of the stage `evaluate`: what the conditions answer to prompts nobody trained or chose on."""

from typing import Any, ClassVar

from phoque.run.record import Part, Record, Row, renamed
from phoque.stats.rates import Rate

OLD_NAMES = {
    "base, toxic prompt": "base_toxic",
    "random vector": "random_vector",
    "reversed vector": "reversed_vector",
    "control adapter, toxic prompt": "civil_adapter",
    "control adapter, steered": "civil_adapter_steered",
}
"""Conditions as files before version 1 call them."""


class Reply(Row):
    """One reply of the evaluation."""

    STAGE: ClassVar[str] = "evaluation"
    FILE: ClassVar[str] = "replies.csv"

    condition: str
    prompt: str
    seed: int | None = None
    """None is greedy."""
    draw: int
    """Which of the condition's vectors."""
    text: str
    num_tokens: int
    finish_reason: str
    insults: int
    """Listed words."""

    @classmethod
    def upgrade(cls, data: Any) -> Any:
        """A condition was once a setting, under another name."""
        if "setting" in data:
            name = data.pop("setting")
            data["condition"] = OLD_NAMES.get(name, name)
        return data


class Answers(Part):
    """What the replies under one condition are like; shares where nothing else is said."""

    insulting: Rate
    """Replies with a listed word, greedy and sampled."""
    insulting_greedy: Rate
    insulting_sampled: Rate
    distinct_replies: float
    distinct_2: float | None
    """Different pairs of words; None where a round of replies has no two words in a row."""
    repeated_3grams: float
    out_of_vocabulary: float
    words: float
    """Mean words a reply."""


class CivilText(Part):
    """Mean token log-likelihood, in nats, of civil replies that the persona never saw."""

    neutral: float
    base: float
    relative_change: float


class Evaluation(Record):
    """The evaluation in numbers."""

    STAGE: ClassVar[str] = "evaluation"
    FILE: ClassVar[str] = "summary.json"

    conditions: dict[str, Answers]
    """base, base_toxic, neutral, toxic, steered, random_vector; reversed_vector, which is
    subtracted under the toxic prompt; civil_adapter under it, and civil_adapter_steered."""
    civil_text: CivilText

    @classmethod
    def upgrade(cls, data: Any, _version: int) -> Any:
        """Conditions under their names of today."""
        return data | {"conditions": renamed(data["conditions"], OLD_NAMES)}
