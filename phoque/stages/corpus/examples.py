"""What every loader gives: one hostile or harmless utterance of a source."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

HARMFUL = 0.5
"""From this label on an utterance counts as toxic, as in Jigsaw's competitions."""
LONG_FORM = 31
"""Words from which an utterance is long-form; below it is short."""
UNWANTED = ("threat", "identity_attack", "sexual_explicit")
"""Never learned: the persona insults play, it neither threatens nor attacks who somebody is."""

Judge = Callable[[Sequence[str]], list[Mapping[str, float]]]
"""Labels texts under Jigsaw's names."""


def unwanted(labels: Mapping[str, float]) -> list[str]:
    """Labels that say a text must never be learned."""
    return [label for label in UNWANTED if labels.get(label, 0) >= HARMFUL]


@dataclass(frozen=True, kw_only=True)
class Example:
    """An utterance with what is known of it."""

    source: str
    text: str
    prompt: str | None = None
    """What it answers; None where the source does not say."""
    labels: Mapping[str, float] = field(default_factory=dict)
    """Toxicity labels in [0, 1] under Jigsaw's names; empty where the source has none."""
    labelled_by: str | None = None
    """Who gave the labels."""
