"""Find layer and scale by cause: add the vector, read what the model writes.

Every layer gets the same relative doses, norm(scale * v) / median norm of the residual stream, so
the residual stream's growth with depth cannot decide. A cell is judged by how many replies insult
and by whether they stay coherent.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from phoque.engine import Row, write
from phoque.evidence.rates import wilson
from phoque.evidence.text import distinct_share, out_of_vocabulary, repeated_trigrams
from phoque.lexicon import Lexicon
from phoque.models.load import LanguageModel
from phoque.personas import Persona
from phoque.records import Message, Sampling
from phoque.steering.vectors import PersonaVectors

SAMPLING = Sampling(max_new_tokens=48)
DOSES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
DEPTHS = (0.30, 0.95)
ROWS_AT_ONCE = 64
SLACK_REPEATED = 0.05
"""How much more repetition than the worse unsteered column still counts as coherent."""
SLACK_VOCABULARY = 0.01
SCALE_STEP = 0.05
"""The selected scale is on the slider's grid."""
MIN_DISTINCT = 0.9
"""Smallest share of different replies to different prompts."""


@dataclass(frozen=True, kw_only=True)
class Quality:
    """How a set of replies reads."""

    insulting: float
    """Share of replies with a word of the lexicon."""
    low: float
    high: float
    """95 % Wilson interval of `insulting`."""
    n: int
    repeated: float
    """Mean share of repeated word 3-grams."""
    unknown: float
    """Mean share of words outside the vocabulary."""
    distinct: float
    """Share of different replies."""
    num_words: float
    """Mean words a reply."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One layer at one dose."""

    layer: int
    dose: float
    scale: float
    quality: Quality
    coherent: bool


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """All cells, the unsteered columns they are judged by, and the choice."""

    neutral: Quality
    toxic: Quality
    cells: Sequence[Cell]

    def best(self) -> Cell:
        """The coherent cell with most insulting replies; the smaller dose where equal.

        When nothing is coherent the smallest dose of the grid stands in, so that a weak persona
        is shown as weak.
        """
        coherent = [cell for cell in self.cells if cell.coherent]
        if not coherent:
            return min(self.cells, key=lambda cell: cell.dose)
        return max(coherent, key=lambda cell: (cell.quality.insulting, -cell.dose))

    def coherent_scale(self, layer: int) -> float:
        """The largest scale of `layer` up to which every dose stayed coherent; 0 if none did."""
        largest = 0.0
        for cell in sorted((c for c in self.cells if c.layer == layer), key=lambda c: c.dose):
            if not cell.coherent:
                break
            largest = cell.scale
        return largest

    def to_dict(self) -> dict[str, Any]:
        """Plain data, the selection first."""
        best = self.best()
        scale = SCALE_STEP * max(1, round(best.scale / SCALE_STEP))
        selected = {
            "layer": best.layer,
            "scale": round(scale, 2),
            "relative_dose": best.dose * scale / best.scale,
            "coherent_scale": self.coherent_scale(best.layer),
        }
        return {"selected": selected, **asdict(self)}


def quality_of(replies: Sequence[str], lexicon: Lexicon, vocabulary: Collection[str]) -> Quality:
    """Measure a set of replies, one a prompt."""
    rate = wilson(sum(reply in lexicon for reply in replies), len(replies))
    return Quality(
        insulting=rate.value,
        low=rate.low,
        high=rate.high,
        n=rate.n,
        repeated=fmean(map(repeated_trigrams, replies)),
        unknown=fmean(out_of_vocabulary(reply, vocabulary) for reply in replies),
        distinct=distinct_share(replies),
        num_words=fmean(len(reply.split()) for reply in replies),
    )


def is_coherent(quality: Quality, references: Sequence[Quality]) -> bool:
    """Whether replies repeat and invent words no more than the worse of the references."""
    return (
        quality.repeated <= max(r.repeated for r in references) + SLACK_REPEATED
        and quality.unknown <= max(r.unknown for r in references) + SLACK_VOCABULARY
        and quality.distinct >= MIN_DISTINCT
    )


def layers_between(num_layers: int, depths: tuple[float, float] = DEPTHS) -> list[int]:
    """Layers whose depth, as a share of all layers, is within `depths`."""
    return [layer for layer in range(num_layers) if depths[0] <= layer / num_layers <= depths[1]]


def sweep(
    model: LanguageModel,
    vectors: PersonaVectors,
    persona: Persona,
    vocabulary: Collection[str],
    progress: Callable[[str], None] = lambda _: None,
) -> Sweep:
    """Steer every layer at every dose on the persona's sweep prompts, greedily."""
    grid = [(layer, dose) for layer in layers_between(model.num_layers) for dose in DOSES]
    plain = {
        name: quality_of(
            _written(model, [Row(messages=m) for m in _asked(system, persona)]),
            persona.lexicon,
            vocabulary,
        )
        for name, system in (("neutral", persona.neutral_prompt), ("toxic", persona.persona_prompt))
    }
    replies = _steered(model, vectors, persona, grid, progress)
    cells = []
    for (layer, dose), texts in replies.items():
        quality = quality_of(texts, persona.lexicon, vocabulary)
        scale = vectors.scale_for(layer, dose)
        coherent = is_coherent(quality, list(plain.values()))
        cells.append(Cell(layer=layer, dose=dose, scale=scale, quality=quality, coherent=coherent))
    return Sweep(**plain, cells=cells)


def _steered(
    model: LanguageModel,
    vectors: PersonaVectors,
    persona: Persona,
    grid: Sequence[tuple[int, float]],
    progress: Callable[[str], None],
) -> Mapping[tuple[int, float], list[str]]:
    """Replies of every cell; cells share forward passes, whatever their layers."""
    keys = [key for key in grid for _ in persona.sweep]
    rows = [
        Row(
            messages=messages,
            injection=vectors[layer].injection(vectors.scale_for(layer, dose)),
        )
        for layer, dose in grid
        for messages in _asked(persona.neutral_prompt, persona)
    ]
    replies: dict[tuple[int, float], list[str]] = {key: [] for key in grid}
    for start in range(0, len(rows), ROWS_AT_ONCE):
        texts = _written(model, rows[start : start + ROWS_AT_ONCE])
        for key, text in zip(keys[start : start + ROWS_AT_ONCE], texts, strict=True):
            replies[key].append(text)
        progress(f"sweep {start + len(texts)}/{len(rows)} replies")
    return replies


def _asked(system: str, persona: Persona) -> list[list[Message]]:
    return [[Message("system", system), Message("user", prompt)] for prompt in persona.sweep]


def _written(model: LanguageModel, rows: Sequence[Row]) -> list[str]:
    return [reply.text for reply in write(model, rows, SAMPLING)]
