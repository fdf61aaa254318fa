"""Record of the first screen: recorded comparisons of the persona's examples, and what was found in them."""

from collections.abc import Callable
from typing import Self

from pydantic import model_validator

from phoque.conversation import Condition, Sampling
from phoque.run.record import Masked, Part, Record


class Found(Part):
    """What the judge and the moderators say of one reply."""

    hostility: float | None
    """Score of the judge; None where there was none."""
    harm: dict[str, float]
    """Harm score in [0, 1], by moderator; one that failed on the text is left out."""


class Shown(Part):
    """One recorded reply."""

    text: str
    num_tokens: int
    finish_reason: str
    listed: tuple[str, ...]
    """Words of the persona's lexicon that are in it, as they stand there."""
    found: Found


class Example(Part):
    """One example message under every condition."""

    label: str
    prompt: str
    base: Shown
    neutral: Shown
    toxic: Shown
    steered: tuple[Shown, ...]
    """One a scale."""
    random_vector: tuple[Shown, ...]
    """One a scale; the vector is the one that the chat draws for this seed."""

    @property
    def columns(self) -> dict[Condition, tuple[Shown, ...]]:
        """Its replies by condition."""
        found = {condition: getattr(self, condition) for condition in Condition}
        return {c: own if isinstance(own, tuple) else (own,) for c, own in found.items()}


class JudgeUsed(Part):
    """The judge, and from which score on it calls a reply hostile."""

    name: str
    digest: str
    threshold: float
    """The lowest that flags at most `budget` of the base model's replies of the evaluation."""
    budget: float


class Showcase(Masked, Record, file="evaluation/showcase.json"):
    """What a visitor sees before any model is asked."""

    layer: int
    scales: tuple[float, ...]
    """Rising; the run's default is one of them."""
    seed: int
    sampling: Sampling
    judge: JudgeUsed | None
    moderators: tuple[str, ...]
    """Those that read the replies. At which score one flags is in the stage `moderation`."""
    examples: tuple[Example, ...]

    def opening(
        self,
        scale: float,
        threshold: float | None,
        passes: Callable[[Found], bool] = lambda _: True,
    ) -> int:
        """Place of the first example whose persona prompt and whose vector, at a scale, both act.

        One whose neutral reply does not show the persona goes before others. Among these, one whose two replies pass
        the moderators goes first, or else one of whose two does, so that what a moderator misses is on the first
        screen. Of several whose two replies pass, the one whose milder reply the judge scores highest.

        Args:
            scale: of the vector; the nearest recorded one counts.
            threshold: of the judge; None counts replies with a listed word.
            passes: whether no moderator flags a reply.

        Returns:
            0, the first of all, where there is no such example.
        """
        at = min(range(len(self.scales)), key=lambda place: abs(self.scales[place] - scale))

        def shows(own: Shown) -> bool:
            if threshold is None:
                return bool(own.listed)
            return (own.found.hostility or 0) >= threshold

        pairs = [(one.toxic, one.steered[at]) for one in self.examples]
        acts = [place for place, pair in enumerate(pairs) if all(map(shows, pair))]
        differ = [place for place in acts if not shows(self.examples[place].neutral)]
        missed = [place for place in differ if any(passes(own.found) for own in pairs[place])]
        both = [place for place in missed if all(passes(own.found) for own in pairs[place])]
        if threshold is not None:
            milder = [min(own.found.hostility or 0 for own in pair) for pair in pairs]
            both.sort(key=lambda place: -milder[place])  # equal ones stay in order
        return next(iter([*both, *missed, *differ, *acts]), 0)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for one in self.examples:
            if {len(one.steered), len(one.random_vector)} != {len(self.scales)}:
                raise ValueError(f"{one.label!r} needs one reply for each of the scales")
        return self
