"""What the persona model writes under a direction, beside its rivals, and whether it is still text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from phoque.conversation import Messages, Sampling, asked
from phoque.models.engine import Reply, Row
from phoque.models.hooks import Injection
from phoque.models.load import LanguageModel
from phoque.run.psm import Quality
from phoque.run.sae_evidence import GeneratedReplies, Steered
from phoque.stages.corpus.vocabulary import known_words
from phoque.stages.sae.study import Study
from phoque.stats.rates import clustered
from phoque.steering.divergence import Yardstick
from phoque.steering.experiment import rows_of, share_of, write_grouped
from phoque.steering.quality import is_coherent, quality_of

DOSES = (0.2, 0.3, 0.4)
"""Shares of the median residual norm."""
NULL_PROMPTS = 4
YARDSTICK_PROMPTS = 6


@dataclass(frozen=True, kw_only=True, eq=False)
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
        self._vocabulary = known_words(self._model, study.run.corpus)
        self._prompts: dict[str, Sequence[Messages]] = {
            "toward": asked(persona.neutral_prompt, prompts),
            "away": asked(persona.persona_prompt, prompts),
        }

    def run(
        self, latents: Sequence[Direction], rivals: Mapping[str, Sequence[Direction]]
    ) -> GeneratedReplies:
        """By way (toward, away): the plain columns, and every direction at every dose."""
        alone = {one.name: [one] for one in latents}
        groups = {**alone, **{name: list(group) for name, group in rivals.items() if group}}
        rows: dict[tuple[str, str, float], list[Row]] = {
            (way, "none", 0.0): rows_of(self._prompts[way]) for way in self._prompts
        }
        for way in self._prompts:
            for name, group in groups.items():
                for dose in DOSES:
                    rows[way, name, dose] = self._rows(way, group, dose)
        sampling = Sampling(max_new_tokens=self._study.preset.reply_tokens)
        replies = write_grouped(
            self._model, rows, sampling, lambda told: self._study.progress(f"sae: {told}")
        )
        plain = {way: self._quality(replies[way, "none", 0.0]) for way in self._prompts}
        yardsticks = {
            way: Yardstick(self._model, prompts[:YARDSTICK_PROMPTS])
            for way, prompts in self._prompts.items()
        }
        limit = yardsticks["toward"].divergence((), self._prompts["away"][:YARDSTICK_PROMPTS]).p95
        cells = [
            self._cell(key, own, groups, [*plain.values()], (yardsticks[key[0]], limit))
            for key, own in replies.items()
            if key[1] != "none"
        ]
        return GeneratedReplies(plain=plain, divergence_limit=limit, cells=tuple(cells))

    def _rows(self, way: str, group: Sequence[Direction], dose: float) -> list[Row]:
        prompts = self._prompts[way]
        return [
            row
            for place, one in enumerate(group)
            for row in rows_of(
                prompts if len(group) == 1 else share_of(prompts, place, NULL_PROMPTS),
                (self._injection(way, one, dose),),
            )
        ]

    def _injection(self, way: str, one: Direction, dose: float) -> Injection:
        sign = 1.0 if way == "toward" else -1.0
        return one.injection(self._study.layer, sign * dose * self._median)

    def _cell(  # what a cell is made of
        self,
        key: tuple[str, str, float],
        replies: Sequence[Reply],
        groups: Mapping[str, Sequence[Direction]],
        plain: Sequence[Quality],
        judge: tuple[Yardstick, float],
    ) -> Steered:
        way, name, dose = key
        quality, own = self._quality(replies), groups[name]
        size = len(replies) // len(own)
        hits = [reply.text in self._study.persona.lexicon for reply in replies]
        by_direction = [hits[start : start + size] for start in range(0, len(hits), size)]
        interval = clustered(by_direction) if len(own) > 1 else quality
        yardstick, limit = judge
        # Of a group the one that moves expectations most: no member is called coherent by another.
        moved = max(yardstick.divergence((self._injection(way, one, dose),)).p95 for one in own)
        return Steered(
            way=way,
            name=name,
            dose=dose,
            directions=len(own),
            insulting=quality.insulting,
            low=interval.low,
            high=interval.high,
            n=quality.n,
            divergence_p95=moved,
            coherent=is_coherent(quality, plain) and moved <= limit,
            quality=quality,
            example=replies[0].text,
        )

    def _quality(self, replies: Sequence[Reply]) -> Quality:
        texts = [reply.text for reply in replies]
        return quality_of(texts, self._study.persona.lexicon, self._vocabulary)
