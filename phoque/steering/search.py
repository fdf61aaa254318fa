"""Measure the cells of a sweep: the replies at every layer and dose."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from statistics import fmean

from phoque.conversation import DEFAULT_SAMPLING, Messages, Sampling, asked
from phoque.models.engine import Reply, Row
from phoque.models.hooks import Injection, Interventions
from phoque.models.load import LanguageModel
from phoque.personas import Persona
from phoque.personas.controls import choice_prompts
from phoque.run.psm import NULL_DOSE, Cell, Quality, Selection, Trait
from phoque.stats.rates import Rate, by_cluster
from phoque.steering.divergence import Yardstick
from phoque.steering.experiment import Key, Progress, in_turn, rows_of, silent, write_grouped
from phoque.steering.quality import (
    RULE,
    Allowed,
    is_likely,
    least_nats,
    log_likelihoods,
    quality_by_prompt,
)
from phoque.steering.sweep import Sweep
from phoque.steering.vectors import PersonaVectors

SAMPLING = Sampling(max_new_tokens=48)
SAMPLED = DEFAULT_SAMPLING
SEEDS = (42, 43, 44)
NUM_CANDIDATES = 5
"""How many cells get a run-off."""
DOSES = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.6)
NUM_RANDOM = 8
NULL_PROMPTS = 4
"""Prompts for one random vector at one layer or dose; together the vectors cover all prompts."""
YARDSTICK_PROMPTS = 8

Grid = Mapping[tuple[int, float], Sequence[Reply]]
"""Replies by layer and dose."""
Hits = Mapping[tuple[int, float], Sequence[bool]]
"""Which of them show the trait, of the cells whose replies were read."""
Said = tuple[str, str]
"""A pair of a message and the reply to it."""
Shows = Callable[[Sequence[Said]], list[bool]]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """How the sweep decides whether a reply shows the trait."""

    trait: Trait
    shows: Shows


Measuring = Callable[[Sequence[Said], Sequence[Said]], Measure]
"""Made from sampled replies of the base model, and of the model under the persona's own prompt."""


def swept_layers(num_layers: int) -> list[int]:
    """Layers whose depth, as a share of all layers, is swept."""
    return [layer for layer in range(num_layers) if 0.30 <= layer / num_layers <= 0.95]


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What is written without a vector, and what follows from it."""

    neutral: Quality
    toxic: Quality
    allowed: Allowed
    measure: Measure


@dataclass(frozen=True, kw_only=True, eq=False)
class Search:
    """The causal sweep of one persona: the model, its vectors, and how a reply is measured."""

    model: LanguageModel
    base: LanguageModel
    vectors: PersonaVectors
    persona: Persona
    vocabulary: Collection[str]
    measuring: Measuring
    progress: Progress = silent

    def run(self) -> tuple[Selection, Grid, Hits]:
        """Steer every layer at every dose on the persona's sweep prompts, sampled as people are."""
        layers, columns = swept_layers(self.model.num_layers), self._columns
        rows = {
            key: rows_of(self._neutral, (self._injection(*key),)) for key in product(layers, DOSES)
        }
        grid = write_grouped(
            self.model, rows, SAMPLED, lambda done: self.progress(f"sweep: {done}")
        )
        cells, hits = self._judged(self._cells(grid), grid)
        sweep = self._run_off(Sweep(cells=cells, null_by_layer=self._null(layers)))
        selection = sweep.selection(
            neutral=columns.neutral,
            toxic=columns.toxic,
            toxic_divergence=columns.allowed.moved,
            trait=columns.measure.trait,
            base=columns.allowed.grid,
            least_nats=least_nats(columns.allowed.grid),
            rule=RULE,
            model=self.model.name,
            context_length=self.model.context_length,
            dose_per_scale=[
                self.vectors.relative_dose(layer, 1.0) for layer in range(len(self.vectors))
            ],
        )
        return selection, grid, hits

    @cached_property
    def _columns(self) -> Columns:
        plain = {"neutral": rows_of(self._neutral), "toxic": rows_of(self._hostile)}
        replies = write_grouped(self.model, plain, SAMPLED)
        base = self._plain(self.base, self._neutral)
        told = self._plain(self.base, self._choice)
        persona = asked(self.persona.persona_prompt, choice_prompts())
        hostile = said(*self._plain(self.model, persona))
        qualities = {name: self._quality(plain[name], replies[name]) for name in plain}
        grid, runoff = (self._read_by_base(self._quality(*own), *own) for own in (base, told))
        return Columns(
            **qualities,
            allowed=Allowed(
                grid=grid,
                runoff=runoff,
                shortest=min(one.num_words for one in (grid, *qualities.values())),
                moved=self._yardstick.divergence((), self._hostile[:YARDSTICK_PROMPTS]),
            ),
            measure=self.measuring(said(*told), hostile),
        )

    def _plain(
        self, model: LanguageModel, prompts: Sequence[Messages]
    ) -> tuple[list[Row], list[Reply]]:
        rows = seeded(prompts, (), SEEDS)
        return rows, write_grouped(model, {"": rows}, SAMPLED)[""]

    def _cells(self, grid: Grid) -> list[Cell]:
        cells: list[Cell] = []
        for (layer, dose), replies in grid.items():
            cells.append(self._cell(layer, dose, replies))
            self.progress(f"divergence: {len(cells)} of {len(grid)} cells")
        return cells

    def _cell(self, layer: int, dose: float, replies: Sequence[Reply]) -> Cell:
        """The base model reads only what is coherent by all that costs less."""
        rows, allowed = rows_of(self._neutral), self._columns.allowed
        quality = self._quality(rows, replies)
        moved = self._yardstick.divergence((self._injection(layer, dose),))
        coherent = allowed.reads_well(quality, allowed.grid) and moved.p95 <= allowed.moved.p95
        if coherent:
            quality = self._read_by_base(quality, rows, replies)
            coherent = is_likely(quality, allowed.grid)
        return Cell(
            layer=layer,
            dose=dose,
            scale=self.vectors.scale_for(layer, dose),
            quality=quality,
            divergence=moved,
            coherent=coherent,
        )

    def _judged(self, cells: Sequence[Cell], grid: Grid) -> tuple[list[Cell], Hits]:
        """The judge reads what is allowed, all of it in one go."""
        rows, measure = rows_of(self._neutral), self._columns.measure
        by_judge = measure.trait.by == "judge"
        keys = [(cell.layer, cell.dose) for cell in cells if cell.coherent or not by_judge]
        groups = {key: said(rows, grid[key]) for key in keys}
        hits = shown_in(measure.shows, groups)
        rates = hit_rates(groups, hits) if by_judge else {}

        def judged(cell: Cell) -> Cell:
            update = {"judged": rates.get((cell.layer, cell.dose))}
            return cell.model_copy(update={"quality": cell.quality.model_copy(update=update)})

        return [judged(cell) for cell in cells], hits

    def _judge(self, groups: Mapping[Key, Sequence[Said]]) -> dict[Key, Rate]:
        """Hostile replies of each group; nothing where the trait is told by words."""
        measure = self._columns.measure
        return trait_rates(measure.shows, groups) if measure.trait.by == "judge" else {}

    def _run_off(self, found: Sweep) -> Sweep:
        """Ask the best cells other prompts with three seeds, because the largest of many shares is too high.

        A cell that is no longer allowed is dropped.
        """
        keys = [(cell.layer, cell.dose) for cell in found.candidates(NUM_CANDIDATES)]
        rows = {key: seeded(self._choice, (self._injection(*key),), SEEDS) for key in keys}
        replies = write_grouped(self.model, rows, SAMPLED)
        judged = self._judge({key: said(rows[key], own) for key, own in replies.items()})
        allowed, own_text = self._columns.allowed, self._columns.allowed.runoff

        def ran(cell: Cell) -> Cell:
            """The cell with what its run-off found."""
            key = (cell.layer, cell.dose)
            if key not in replies:
                return cell
            both = rows[key], replies[key]
            quality = self._read_by_base(self._quality(*both), *both)
            quality = quality.model_copy(update={"judged": judged.get(key)})
            holds = allowed.reads_well(quality, own_text) and is_likely(quality, own_text)
            return cell.model_copy(update={"runoff": quality, "coherent": cell.coherent and holds})

        return replace(found, cells=[ran(cell) for cell in found.cells])

    @property
    def _neutral(self) -> Sequence[Messages]:
        return asked(self.persona.neutral_prompt, self.persona.sweep)

    @property
    def _choice(self) -> Sequence[Messages]:
        return asked(self.persona.neutral_prompt, choice_prompts())

    @property
    def _hostile(self) -> Sequence[Messages]:
        return asked(self.persona.persona_prompt, self.persona.sweep)

    @cached_property
    def _yardstick(self) -> Yardstick:
        return Yardstick(self.model, self._neutral[:YARDSTICK_PROMPTS])

    def _injection(self, layer: int, dose: float) -> Injection:
        return self.vectors[layer].injection(self.vectors.scale_for(layer, dose))

    def _null(self, layers: Sequence[int]) -> dict[int, Rate]:
        """Random vectors of the same norm at every layer."""
        rows = {}
        for layer in layers:
            vector, scale = self.vectors[layer], self.vectors.scale_for(layer, NULL_DOSE)
            random = [vector.random_like(seed).injection(scale) for seed in range(NUM_RANDOM)]
            rows[layer] = in_turn(self._neutral, random, NULL_PROMPTS)
        replies = write_grouped(
            self.model, rows, SAMPLED, lambda done: self.progress(f"random vectors: {done}")
        )
        return rates_of(self._columns.measure.shows, rows, replies)

    def _quality(self, rows: Sequence[Row], replies: Sequence[Reply]) -> Quality:
        return quality_by_prompt(said(rows, replies), self.persona.lexicon, self.vocabulary)

    def _read_by_base(
        self, quality: Quality, rows: Sequence[Row], replies: Sequence[Reply]
    ) -> Quality:
        plain = rows_of([row.messages for row in rows])
        nats = log_likelihoods(self.base, plain, [reply.tokens for reply in replies])
        return quality.model_copy(update={"base_nats": fmean(nats)})


def seeded(
    prompts: Sequence[Messages], interventions: Interventions, seeds: Sequence[int]
) -> list[Row]:
    """Every prompt with every seed."""
    return [row for seed in seeds for row in rows_of(prompts, interventions, seed)]


def said(rows: Sequence[Row], replies: Sequence[Reply]) -> list[Said]:
    """The messages with their replies."""
    return [(row.messages[-1].content, one.text) for row, one in zip(rows, replies, strict=True)]


def trait_rates(shows: Shows, groups: Mapping[Key, Sequence[Said]]) -> dict[Key, Rate]:
    """Share of each group that shows the trait."""
    return hit_rates(groups, shown_in(shows, groups))


def shown_in(shows: Shows, groups: Mapping[Key, Sequence[Said]]) -> dict[Key, list[bool]]:
    """Which of each group show the trait; all groups are judged in one go."""
    shown = iter(shows([one for own in groups.values() for one in own]))
    return {key: [next(shown) for _ in own] for key, own in groups.items()}


def hit_rates(
    groups: Mapping[Key, Sequence[Said]], hits: Mapping[Key, Sequence[bool]]
) -> dict[Key, Rate]:
    """Shares, with intervals that count messages."""
    return {
        key: by_cluster(zip((message for message, _ in own), hits[key], strict=True))
        for key, own in groups.items()
    }


def rates_of(
    shows: Shows, rows: Mapping[Key, Sequence[Row]], replies: Mapping[Key, Sequence[Reply]]
) -> dict[Key, Rate]:
    """Share of each group's replies that shows the trait."""
    return trait_rates(shows, {key: said(own, replies[key]) for key, own in rows.items()})
