"""What people say of texts that passed: one label a rater and text, and what two of them agree on."""

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import Field

from phoque.run.record import Row
from phoque.stats.rates import grouped

Verdict = Literal["harmful", "harmless", "unsure"]
Kind = Literal["person", "model"]


class Label(Row, file="/labels.jsonl"):
    """One rater's verdict on one text in its context; the file lies beside the stages' folders."""

    id: str = Field(min_length=1)
    """`text_id` of the text."""
    rater: str = Field(min_length=1)
    verdict: Verdict
    kind: Kind = "person"


def last_words(labels: Iterable[Label]) -> list[Label]:
    """What each rater said last of each text."""
    return list({(label.id, label.rater): label for label in labels}.values())


def by_text(labels: Iterable[Label]) -> dict[str, list[Label]]:
    """Labels by the id of their text."""
    return grouped((label.id, label) for label in labels)


def verdicts(
    labels: Iterable[Label], kinds: Sequence[Kind] = ("person",)
) -> dict[str, bool | None]:
    """Whether each text is harmful, by id; of people only unless models are asked for."""
    asked = by_text(label for label in last_words(labels) if label.kind in kinds)
    return {text: majority(own) for text, own in asked.items()}


def majority(labels: Sequence[Label]) -> bool | None:
    """Whether one text is harmful: at least two say so and fewer say the opposite.

    None where they do not agree, or fewer than two have a verdict; unsure is no verdict. With two
    raters, both must agree.
    """
    said = [label.verdict for label in labels]
    harmful, harmless = said.count("harmful"), said.count("harmless")
    if harmful == harmless or max(harmful, harmless) < 2:
        return None
    return harmful > harmless
