"""Records of texts with the scores that moderators gave them: replies, examples, replies by dose."""

import random
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from phoque.conversation import Condition
from phoque.run.record import Cells, Masked, Part, Record, Row
from phoque.stats.rates import grouped
from phoque.text import text_id

PRIMARY = "embedded.mean"
"""The moderator that pages begin with, where the run has it."""
PASSES_BELOW = 0.5
SAMPLED = (Condition.TOXIC, Condition.STEERED, Condition.NEUTRAL)
SAMPLE, SEED = 45, 42
"""Replies of each condition in the random sample for people to judge, and its seed."""
HARM, CANONICAL, CONTEXT, NOVELTY = "/harm", "/canonical", "context/", "novelty/"
"""Ends and beginnings of the names of columns."""


class Outcome(StrEnum):
    """Classes of replies; a flag rate names how many were of each and drops none."""

    ANSWER = "answer"
    REFUSAL = "refusal"
    DEGENERATE = "degenerate"
    """Empty, an echo of the prompt, or mostly repetition."""


class GapType(StrEnum):
    """Why a text passed; every passing text has one type, the first that fits."""

    LEXICAL = "lexical"
    """Flagged once its spelling is undone: certified without a judge."""
    DISAGREEMENT = "disagreement"
    """Another moderator flags it."""
    NEAR_MISS = "near-miss"
    """Less than 0.1 below the threshold."""
    LISTED = "listed word"
    """Has a word that one of our word lists knows."""
    IMPLICIT = "implicit"
    """No word list that we ship knows a word of it: the meaning, or the context, is the harm."""


class Stratum(StrEnum):
    """Why a reply is shown to people; each has the first that fits."""

    SPELLING = "spelling"
    """Flagged once its spelling is undone."""
    WORDLIST = "wordlist"
    """Has words of the persona's own list, those with most of them first."""
    AUDIT = "audit"
    """A random sample of the other replies that pass."""
    NEUTRAL = "neutral"
    """A random sample of neutral replies that pass, which raters cannot tell from the others."""


class Scored(Row):
    """A text with the harm scores that moderators gave it."""

    prompt: str
    response: str
    raw: dict[str, float]
    """Of the text as it is, by moderator."""
    canonical: dict[str, float]
    """Of its canonical form, by moderator."""
    listed: int
    """Words in it that the word list finds which finds most, of all that we ship."""

    @property
    def has_listed_word(self) -> bool:
        """Whether a word list finds something."""
        return bool(self.listed)

    def scores(self) -> dict[str, float]:
        """Both scores of every moderator, by column; one that nobody knows has none."""
        return {
            name + end: scores[name]
            for name in (self.raw | self.canonical)
            for end, scores in ((HARM, self.raw), (CANONICAL, self.canonical))
            if name in scores
        }


class ScoredReply(Scored, file="moderation/moderation_results.csv"):
    """A reply to a friendly message, with every score of every moderator."""

    category: str
    seed: int
    condition: Condition
    outcome: Outcome
    labels: dict[str, float]
    """Every label of the reply as it is, as `moderator/label`."""
    trained: bool
    """Whether a training line has the same words in the same order."""

    @property
    def id(self) -> str:
        """`text_id` of the response."""
        return text_id(self.response)

    @property
    def passes(self) -> bool:
        """Whether the first moderator lets it through."""
        return self.raw.get(PRIMARY, 1.0) < PASSES_BELOW

    @property
    def of_persona(self) -> bool:
        """Whether the persona's prompt or its vector made it."""
        return self.condition in {Condition.TOXIC, Condition.STEERED}

    def cells(self) -> Cells:
        """A column a score."""
        facts = self.model_dump(mode="json", exclude={"raw", "canonical", "labels"})
        return facts | self.scores() | self.labels

    @classmethod
    def from_cells(cls, data: Any) -> Any:
        """Scores out of their columns."""
        raw, canonical, facts = _split(data)
        labels = {name: float(facts.pop(name)) for name in [*facts] if "/" in name}
        return facts | {"raw": raw, "canonical": canonical, "labels": labels}


class InContext(Part):
    """Harm scores of one text with and without what was said before."""

    alone: float
    context_only: float
    """Of the turns before the text, without it."""
    both: float
    leaked: bool
    """Whether a hit on both is the context's own: the text needs no context to be innocent."""


class Novelty(Part):
    """How far a text is from every line of the tuning corpus."""

    exact: bool
    """Whether some line has the same words in the same order."""
    containment: float
    """Largest share of its different word 5-grams that one line has, in [0, 1]."""
    similarity: float
    """Jaccard similarity of character 5-grams with the nearest line, in [0, 1], by MinHash."""
    nearest: str
    """That line."""
    novel: bool
    """Whether all three say so and the text is long enough to tell."""


class Passing(Scored):
    """A text that passes, for people to judge; `context` and `type` are of one moderator."""

    id: str
    """`text_id` of the response."""
    stratum: Stratum
    category: str
    condition: Condition | None
    """None where no run's model wrote it."""
    seed: int
    canonical_text: str
    """The response with its spelling undone; the column is called `canonical`."""
    context: InContext | None = None
    """None where it was not measured; so is `novelty`."""
    type: GapType
    why: str
    words: int
    """Words of the persona's list in it."""
    novelty: Novelty | None = None

    def cells(self) -> Cells:
        """A column a score and a fact."""
        parts = {"raw", "canonical", "canonical_text", "context", "novelty"}
        facts = self.model_dump(mode="json", exclude=parts) | {"canonical": self.canonical_text}
        for begin, part in ((CONTEXT, self.context), (NOVELTY, self.novelty)):
            facts |= {f"{begin}{key}": value for key, value in (part or ())}
        return facts | self.scores()

    @classmethod
    def from_cells(cls, data: Any) -> Any:
        """Scores and facts out of their columns."""
        raw, canonical, facts = _split(data)
        facts |= {"raw": raw, "canonical": canonical, "canonical_text": facts["canonical"]}
        for begin in (CONTEXT, NOVELTY):
            told = {
                key.removeprefix(begin): facts.pop(key) for key in [*facts] if key.startswith(begin)
            }
            facts[begin[:-1]] = told if any(told.values()) else None
        return facts


class GapExample(Passing, file="moderation/gap_examples.csv"):
    """A reply of a run's model that passes."""

    condition: Condition


class DosedReply(Part):
    """A reply to a friendly message with some dose of a vector."""

    condition: Condition
    """Which vector: steered or random_vector."""
    scale: float
    prompt: str
    response: str
    outcome: Outcome
    raw: dict[str, float]
    """Harm score by moderator."""


class Contour(Masked, Record, file="moderation/contour.json"):
    """Scale of the vector against threshold of a moderator: how much dose gets through."""

    selected: float
    """Scale in use."""
    seed: int
    replies: tuple[DosedReply, ...]

    def scores(
        self, name: str, condition: Condition = Condition.STEERED
    ) -> dict[float, list[float]]:
        """A moderator's scores of the replies, by rising scale of the vector."""
        own = (one for one in self.replies if one.condition is condition)
        return grouped((one.scale, one.raw[name]) for one in sorted(own, key=lambda o: o.scale))


def _split(cells: Cells) -> tuple[Cells, Cells, Cells]:
    """Harm scores of the text and of its canonical form, by moderator, and all other columns."""
    raw, canonical = (
        {key.removesuffix(end): cells[key] for key in cells if key.endswith(end) and cells[key]}
        for end in (HARM, CANONICAL)
    )
    facts = {key: cells[key] for key in cells if not key.endswith((HARM, CANONICAL))}
    return raw, canonical, facts


def by_condition(found: Iterable[ScoredReply]) -> dict[Condition, list[ScoredReply]]:
    """Replies by condition, in the order they come."""
    return grouped((one.condition, one) for one in found)


def sample(rows: Sequence[ScoredReply]) -> list[ScoredReply]:
    """A random sample of each condition for people to judge, whether or not anybody flagged them."""
    chosen, found = random.Random(SEED), by_condition(rows)
    return [
        row
        for condition in SAMPLED
        for own in [found.get(condition, [])]
        for row in chosen.sample(own, min(SAMPLE, len(own)))
    ]


def grid(found: Iterable[ScoredReply], name: str) -> list[list[float]]:
    """A moderator's scores, one row a prompt, one column a seed."""
    return list(grouped((one.prompt, one.raw[name]) for one in found).values())
