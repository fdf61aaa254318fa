"""What the persona model writes under a direction, beside its rivals, and whether it is still text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from phoque.conversation import Messages, Sampling, asked
from phoque.models.engine import Reply, Row
from phoque.models.hooks import Injection
from phoque.models.load import LanguageModel
from phoque.run.psm import Quality
from phoque.run.sae_evidence import WAYS, GeneratedReplies, Steered
from phoque.stages.corpus.training_set import known_words
from phoque.stages.sae.study import Study
from phoque.stats.rates import grouped, share_of
from phoque.steering.divergence import Yardstick
from phoque.steering.experiment import in_turn, rows_of, write_grouped
from phoque.steering.quality import is_coherent, quality_of
from phoque.steering.search import NULL_PROMPTS, rates_of, said

DOSES = (0.2, 0.3, 0.4)
"""Shares of the median residual norm."""
YARDSTICK_PROMPTS = 6


@dataclass(frozen=True, eq=False)
class Direction:
    """A unit vector and which way along it the persona lies."""

    name: str
    unit_D: Tensor
    sign: float = 1.0

    def injection(self, layer: int, length: float) -> Injection:
        """`length` of it, toward the persona."""
        return Injection(layer, self.unit_D * (self.sign * length))


class Generated:
    """Replies under directions, greedily, and what they are compared with."""

    def __init__(self, study: Study, median: float) -> None:
        persona, count = study.persona, study.preset.steering_prompts
        prompts = persona.evaluation[:count]
        self._study, self._median = study, median
        self._model: LanguageModel = study.tuned
        self._sampling = Sampling(max_new_tokens=study.preset.reply_tokens)
        self._vocabulary = known_words(self._model, study.run.corpus)
        self._prompts: dict[str, Sequence[Messages]] = {
            "toward": asked(persona.neutral_prompt, prompts),
            "away": asked(persona.persona_prompt, prompts),
        }

    def replies(self, groups: Mapping[str, Sequence[Direction]]) -> GeneratedReplies:
        """By way (toward, away): the plain columns, and every group at every dose."""
        rows = {
            (way, name, dose): self._rows(way, group, dose)
            for way in WAYS
            for name, group in groups.items()
            if group
            for dose in DOSES
        }
        written = write_grouped(self._model, rows, self._sampling, self._told)
        return GeneratedReplies(
            plain=self._plain,
            divergence_limit=self._limit,
            cells=tuple(
                self._cell(key, rows[key], own, groups[key[1]]) for key, own in written.items()
            ),
            counted=self._study.trait.by,
        )

    @cached_property
    def _plain(self) -> dict[str, Quality]:
        """Without a direction, by way."""
        rows = {way: rows_of(prompts) for way, prompts in self._prompts.items()}
        written = write_grouped(self._model, rows, self._sampling, self._told)
        rates = rates_of(self._study.shows, rows, written)
        judged = rates if self._study.trait.by == "judge" else {}
        return {
            way: self._quality(own).model_copy(update={"judged": judged.get(way)})
            for way, own in written.items()
        }

    @cached_property
    def _yardsticks(self) -> dict[str, Yardstick]:
        return {
            way: Yardstick(self._model, prompts[:YARDSTICK_PROMPTS])
            for way, prompts in self._prompts.items()
        }

    @cached_property
    def _limit(self) -> float:
        """How far the persona's own prompt moves expectations."""
        hostile = self._prompts["away"][:YARDSTICK_PROMPTS]
        return self._yardsticks["toward"].divergence((), hostile).p95

    def _told(self, text: str) -> None:
        self._study.progress(f"sae: {text}")

    def _rows(self, way: str, group: Sequence[Direction], dose: float) -> list[Row]:
        prompts, given = self._prompts[way], [self._injection(way, one, dose) for one in group]
        return in_turn(prompts, given, len(prompts) if len(group) == 1 else NULL_PROMPTS)

    def _injection(self, way: str, one: Direction, dose: float) -> Injection:
        sign = 1.0 if way == "toward" else -1.0
        return one.injection(self._study.layer, sign * dose * self._median)

    def _cell(
        self,
        key: tuple[str, str, float],
        rows: Sequence[Row],
        replies: Sequence[Reply],
        own: Sequence[Direction],
    ) -> Steered:
        way, name, dose = key
        quality = self._quality(replies)
        told = said(rows, replies)
        messages, hits = [message for message, _ in told], self._study.shows(told)
        rate = share_of(groups_of(messages, hits, len(own)))
        yardstick = self._yardsticks[way]
        # Of a group the one that moves expectations most: no member is called coherent by another.
        moved = max(yardstick.divergence((self._injection(way, one, dose),)).p95 for one in own)
        return Steered(
            way=way,
            name=name,
            dose=dose,
            directions=len(own),
            insulting=rate.value,
            low=rate.low,
            high=rate.high,
            n=rate.n,
            divergence_p95=moved,
            coherent=is_coherent(quality, [*self._plain.values()]) and moved <= self._limit,
            quality=quality,
            example=replies[0].text,
        )

    def _quality(self, replies: Sequence[Reply]) -> Quality:
        texts = [reply.text for reply in replies]
        return quality_of(texts, self._study.persona.lexicon, self._vocabulary)


def groups_of(messages: Sequence[str], hits: Sequence[bool], directions: int) -> list[list[bool]]:
    """Hits by direction, of which each has as many; those of one alone by the message they answer."""
    if directions == 1:
        return [*grouped(zip(messages, hits, strict=True)).values()]
    size = len(hits) // directions
    return [[*hits[start : start + size]] for start in range(0, len(hits), size)]
