"""Give the vectors of two personas to several models, at signed doses, and read what they write."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from phoque.conversation import Messages
from phoque.judging.headline import scored
from phoque.judging.judge import Exchange, Judge
from phoque.models.engine import Reply, Row
from phoque.models.load import LanguageModel
from phoque.personas import Persona
from phoque.run.opposites import NO_VECTOR, OWN_PROMPT, RANDOM, Given, OppositeReply
from phoque.run.psm import Divergence, Quality, Trait
from phoque.stats.paired_ranks import chance_above
from phoque.stats.rates import by_cluster, grouped
from phoque.steering.divergence import Yardstick
from phoque.steering.experiment import Progress, in_turn, rows_of, write_grouped
from phoque.steering.quality import Allowed, is_likely, log_likelihoods, quality_by_prompt
from phoque.steering.search import NULL_PROMPTS, NUM_RANDOM, SAMPLED, YARDSTICK_PROMPTS, said
from phoque.steering.vectors import SteeringVector

DOSES = (0.1, 0.2, 0.3, 0.4)
Key = tuple[str, int, float]
"""Vector, layer and signed dose."""
PLAIN: Key = (NO_VECTOR, 0, 0.0)
PROMPTED: Key = (OWN_PROMPT, 0, 0.0)
UNSTEERED = {NO_VECTOR, OWN_PROMPT}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A persona, and how it is seen that a reply shows it."""

    persona: Persona
    trait: Trait

    def in_reply(self, one: OppositeReply) -> bool:
        """As the persona's own run decided: by the judge, or by listed words."""
        if self.trait.by == "judge" and self.trait.threshold is not None:
            return one.hostility >= self.trait.threshold
        return one.reply in self.persona.lexicon


@dataclass(frozen=True, kw_only=True, eq=False)
class Receiver:
    name: str
    model: LanguageModel
    medians_L: Sequence[float]
    """Of the norm of its own residual stream."""
    neutral: Sequence[Messages]
    told: Mapping[str, Sequence[Messages]]
    """The same messages under each persona's prompt."""

    @cached_property
    def yardstick(self) -> Yardstick:
        """Its replies without a vector."""
        return Yardstick(self.model, self.neutral[:YARDSTICK_PROMPTS])

    @cached_property
    def limit(self) -> Divergence:
        """How far a persona's prompt moves expectations, that of the persona that moves them more."""
        moved = [
            self.yardstick.divergence((), own[:YARDSTICK_PROMPTS]) for own in self.told.values()
        ]
        return max(moved, key=lambda one: one.p95)

    def rows(self, vectors: Mapping[str, SteeringVector]) -> dict[Key, list[Row]]:
        """Every cell: no vector, the model's own persona's prompt, both vectors, random vectors."""
        cells = {PLAIN: rows_of(self.neutral)}
        if self.name in self.told:
            cells[PROMPTED] = rows_of(self.told[self.name])
        for name, vector in vectors.items():
            for dose in (*(-dose for dose in reversed(DOSES)), *DOSES):
                cells[name, vector.layer, dose] = self._given([vector], dose, len(self.neutral))
        for vector in {one.layer: one for one in vectors.values()}.values():
            several = [vector.random_like(seed) for seed in range(NUM_RANDOM)]
            for dose in DOSES:
                cells[RANDOM, vector.layer, dose] = self._given(several, dose, NULL_PROMPTS)
        return cells

    def moved(self, key: Key, rows: Sequence[Row]) -> Divergence:
        """How far a cell moves expectations."""
        if key == PROMPTED:
            return self.yardstick.divergence((), self.told[self.name][:YARDSTICK_PROMPTS])
        return self.yardstick.divergence(rows[0].interventions)

    def _given(self, vectors: Sequence[SteeringVector], dose: float, count: int) -> list[Row]:
        """So many messages a vector; several vectors take the next ones in turn."""
        lengths = [dose * self.medians_L[one.layer] / one.norm for one in vectors]
        given = [one.injection(length) for one, length in zip(vectors, lengths, strict=True)]
        return in_turn(self.neutral, given, count)


@dataclass(frozen=True, kw_only=True, eq=False)
class Written:
    receiver: Receiver
    key: Key
    rows: Sequence[Row]
    replies: Sequence[Reply]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return said(self.rows, self.replies)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Who reads what was written, and with what."""

    base: LanguageModel
    shown: Sequence[Shown]
    """Listed words of the first are counted in every cell."""
    vocabulary: Collection[str]
    judge: Judge
    progress: Progress

    def judged(self, written: Sequence[Written]) -> list[list[OppositeReply]]:
        """The replies of every cell with what the judge says; equal ones are judged once."""
        exchanges = [Exchange(*pair) for one in written for pair in one.pairs]
        scores = iter(scored(exchanges, self.judge, self.progress))
        return [
            [
                OppositeReply(
                    receiver=one.receiver.name,
                    vector=one.key[0],
                    layer=one.key[1],
                    dose=one.key[2],
                    prompt=message,
                    reply=text,
                    hostility=next(scores),
                )
                for message, text in one.pairs
            ]
            for one in written
        ]

    def quality(self, one: Written) -> Quality:
        """With what the base model thinks of it under the calm prompt."""
        found = quality_by_prompt(one.pairs, self.shown[0].persona.lexicon, self.vocabulary)
        calm = {asked[-1].content: asked for asked in one.receiver.neutral}
        rows = rows_of([calm[message] for message, _ in one.pairs])
        nats = log_likelihoods(self.base, rows, [reply.tokens for reply in one.replies])
        return found.model_copy(update={"base_nats": fmean(nats)})


def transplanted(
    receivers: Sequence[Receiver], vectors: Mapping[str, SteeringVector], reading: Reading
) -> list[tuple[Given, list[OppositeReply]]]:
    """Every cell of every receiver with its replies; the base model is the first receiver."""
    written = [one for receiver in receivers for one in _written(receiver, vectors, reading)]
    replies = reading.judged(written)
    qualities = [reading.quality(one) for one in written]
    # Beside the base model without a vector; a persona may be brief.
    base, scores = qualities[0], _by_message(replies[0])
    plain = [q for q, one in zip(qualities, written, strict=True) if one.key[0] in UNSTEERED]
    shortest = min(quality.num_words for quality in plain)

    def given(one: Written, own: Sequence[OppositeReply], quality: Quality) -> Given:
        """With the sweep's gates: text as coherent as the base model's, and likely to it."""
        vector, layer, dose = one.key
        limit, moved = one.receiver.limit, one.receiver.moved(one.key, one.rows)
        allowed = Allowed(grid=base, runoff=base, shortest=shortest, moved=limit)
        sensible = allowed.reads_well(quality, base) and is_likely(quality, base)
        found = _by_message(own)
        return Given(
            receiver=one.receiver.name,
            vector=vector,
            layer=layer,
            dose=dose,
            quality=quality,
            divergence=moved,
            coherent=sensible and moved.p95 <= limit.p95,
            shows={
                each.persona.name: by_cluster((reply.prompt, each.in_reply(reply)) for reply in own)
                for each in reading.shown
            },
            more_hostile=chance_above({message: scores[message] for message in found}, found),
        )

    cells = zip(written, replies, qualities, strict=True)
    return [(given(one, own, quality), own) for one, own, quality in cells]


def _written(
    receiver: Receiver, vectors: Mapping[str, SteeringVector], reading: Reading
) -> Iterator[Written]:
    rows = receiver.rows(vectors)
    found = write_grouped(
        receiver.model,
        rows,
        SAMPLED,
        lambda done: reading.progress(f"vectors in {receiver.name}: {done}"),
    )
    for key, replies in found.items():
        yield Written(receiver=receiver, key=key, rows=rows[key], replies=replies)


def _by_message(replies: Sequence[OppositeReply]) -> dict[str, list[float]]:
    return grouped((one.prompt, one.hostility) for one in replies)
