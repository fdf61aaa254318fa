"""Measure the cells of a sweep: the replies at every layer and dose."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from phoque.conversation import Messages, Sampling, asked
from phoque.models.engine import Reply, Row
from phoque.models.hooks import Injection
from phoque.models.load import LanguageModel
from phoque.personas import Persona
from phoque.run.psm import Cell, Divergence, Quality
from phoque.stats.rates import Rate
from phoque.steering.divergence import Yardstick
from phoque.steering.experiment import (
    Progress,
    listed_share,
    rows_of,
    share_of,
    silent,
    write_grouped,
)
from phoque.steering.quality import is_coherent, quality_of
from phoque.steering.sweep import Sweep
from phoque.steering.vectors import PersonaVectors

SAMPLING = Sampling(max_new_tokens=48)
SAMPLED = Sampling(max_new_tokens=48, temperature=0.7)
SEEDS = (42, 43, 44)
NUM_CANDIDATES = 5
"""How many cells get a run-off."""
DOSES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
DEPTHS = (0.30, 0.95)
NULL_DOSE = 0.4
NUM_RANDOM = 8
NULL_PROMPTS = 4
"""Prompts for one random vector at one layer or dose; together the vectors cover all prompts."""
YARDSTICK_PROMPTS = 8

Grid = Mapping[tuple[int, float], Sequence[Reply]]
"""Replies by layer and dose."""


def layers_between(num_layers: int, depths: tuple[float, float] = DEPTHS) -> list[int]:
    """Layers whose depth is within `depths`, as shares of all layers."""
    return [layer for layer in range(num_layers) if depths[0] <= layer / num_layers <= depths[1]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Search:
    """What is steered, with which vectors, and how replies are measured."""

    model: LanguageModel
    vectors: PersonaVectors
    persona: Persona
    vocabulary: Collection[str]
    progress: Progress = silent

    def run(self) -> tuple[Sweep, Grid]:
        """Steer every layer at every dose on the persona's sweep prompts, greedily."""
        layers = layers_between(self.model.num_layers)
        neutral, toxic = self._references()
        yardstick, limit = self._yardstick()
        grid = self._grid([(layer, dose) for layer in layers for dose in DOSES])
        cells = []
        for (layer, dose), replies in grid.items():
            moved = yardstick.divergence((self._injection(layer, dose),))
            cells.append(self._cell(layer, dose, replies, moved, (neutral, toxic), limit))
            self.progress(f"divergence: {len(cells)} of {len(grid)} cells")
        found = Sweep(
            neutral=neutral,
            toxic=toxic,
            toxic_divergence=limit,
            cells=cells,
            null_by_layer=self._null(layers),
        )
        return self._run_off(found, (neutral, toxic)), grid

    def _run_off(self, found: Sweep, references: Sequence[Quality]) -> Sweep:
        """Ask the best cells again with other seeds, because the largest of many shares is too high.

        A cell that is no longer coherent is dropped.
        """
        best = found.candidates(NUM_CANDIDATES)
        rows = {
            (cell.layer, cell.dose): [
                row
                for seed in SEEDS
                for row in rows_of(self._neutral, (self._injection(cell.layer, cell.dose),), seed)
            ]
            for cell in best
        }
        replies = write_grouped(self.model, rows, SAMPLED) if rows else {}
        second = {key: self._quality(own) for key, own in replies.items()}

        def ran(cell: Cell) -> Cell:
            quality = second.get((cell.layer, cell.dose))
            holds = quality is None or is_coherent(quality, references)
            return cell.model_copy(update={"runoff": quality, "coherent": cell.coherent and holds})

        return replace(found, cells=[ran(cell) for cell in found.cells])

    @property
    def _neutral(self) -> Sequence[Messages]:
        return asked(self.persona.neutral_prompt, self.persona.sweep)

    @property
    def _hostile(self) -> Sequence[Messages]:
        return asked(self.persona.persona_prompt, self.persona.sweep)

    def _references(self) -> tuple[Quality, Quality]:
        rows = {"neutral": rows_of(self._neutral), "toxic": rows_of(self._hostile)}
        replies = write_grouped(self.model, rows, SAMPLING)
        return self._quality(replies["neutral"]), self._quality(replies["toxic"])

    def _yardstick(self) -> tuple[Yardstick, Divergence]:
        """The unsteered replies, and how far the persona's system prompt moves them."""
        yardstick = Yardstick(self.model, self._neutral[:YARDSTICK_PROMPTS])
        return yardstick, yardstick.divergence((), self._hostile[:YARDSTICK_PROMPTS])

    def _grid(self, keys: Sequence[tuple[int, float]]) -> Grid:
        rows = {key: rows_of(self._neutral, (self._injection(*key),)) for key in keys}
        return write_grouped(
            self.model, rows, SAMPLING, lambda done: self.progress(f"sweep: {done}")
        )

    def _injection(self, layer: int, dose: float) -> Injection:
        return self.vectors[layer].injection(self.vectors.scale_for(layer, dose))

    def _cell(  # a cell has six parts
        self,
        layer: int,
        dose: float,
        replies: Sequence[Reply],
        moved: Divergence,
        references: Sequence[Quality],
        limit: Divergence,
    ) -> Cell:
        quality = self._quality(replies)
        return Cell(
            layer=layer,
            dose=dose,
            scale=self.vectors.scale_for(layer, dose),
            quality=quality,
            divergence=moved,
            coherent=is_coherent(quality, references) and moved.p95 <= limit.p95,
        )

    def _null(self, layers: Sequence[int]) -> dict[int, Rate]:
        """Random vectors of the same norm at every layer."""
        rows = {layer: self._random_rows(layer) for layer in layers}
        replies = write_grouped(
            self.model, rows, SAMPLING, lambda done: self.progress(f"random vectors: {done}")
        )
        return {layer: listed_share(own, self.persona.lexicon) for layer, own in replies.items()}

    def _random_rows(self, layer: int) -> list[Row]:
        vector, scale = self.vectors[layer], self.vectors.scale_for(layer, NULL_DOSE)
        return [
            row
            for seed in range(NUM_RANDOM)
            for row in rows_of(
                share_of(self._neutral, seed, NULL_PROMPTS),
                (vector.random_like(seed).injection(scale),),
            )
        ]

    def _quality(self, replies: Sequence[Reply]) -> Quality:
        texts = [reply.text for reply in replies]
        return quality_of(texts, self.persona.lexicon, self.vocabulary)
