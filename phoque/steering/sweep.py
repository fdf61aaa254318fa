"""Find layer and scale by cause: add the vector and read what the model writes.

Every layer gets the same relative doses, norm(scale * v) / median norm of the residual stream,
because the stream grows with depth. A cell is allowed if its text is as coherent as the base
model's, and likely to it, and if it moves next-token distributions no further than the persona's
system prompt does. The cell that shows the trait most often wins, if it beats random vectors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor
from operator import truediv
from typing import Any

from phoque.run.psm import BestCell, Cell, Choice, Selection, SweptLayer
from phoque.stats.rates import Rate, binomial_tail, wilson
from phoque.steering.divergence import ONE_NAT, scale_at

SCALE_STEP = 0.05
"""The selected scale is on the slider's grid."""
SIGNIFICANCE = 0.05
"""Level of the test of the best cell against random vectors, after Bonferroni's correction."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """All cells, and which of them is chosen."""

    cells: Sequence[Cell]
    null_by_layer: Mapping[int, Rate]
    """The trait under random vectors of the same norm."""

    @property
    def null(self) -> Rate:
        """The trait under the random vectors of all layers together."""
        rates = self.null_by_layer.values()
        return wilson(sum(round(r.value * r.n) for r in rates), sum(r.n for r in rates))

    def candidates(self, count: int) -> list[Cell]:
        """Allowed cells by how often they show the trait, then by smaller divergence.

        Only those inside the allowed band, where there are any.
        """
        allowed = [cell for cell in self.cells if cell.coherent]
        inside = [cell for cell in allowed if self.is_inside(cell)]
        order = sorted(inside or allowed, key=lambda c: (-c.quality.trait.value, c.divergence.p95))
        return order[:count]

    def is_inside(self, cell: Cell) -> bool:
        """Whether the next smaller dose, or none, and the next larger one are allowed, too."""
        own = self.of_layer(cell.layer)
        place = own.index(cell)
        beside = own[max(0, place - 1) : place + 2]
        return place + 1 < len(own) and all(one.coherent for one in beside)

    def best(self) -> Cell | None:
        """The candidate with the largest share, run-off included; None if none beats chance."""
        ran = [cell for cell in self.candidates(len(self.cells)) if cell.runoff]
        best = (
            max(ran, key=lambda cell: truediv(*cell.pooled))
            if ran
            else next(iter(self.candidates(1)), None)
        )
        return best if best and self.chance_of(best) < SIGNIFICANCE else None

    def chance_of(self, cell: Cell) -> float:
        """Probability that random vectors give one of all cells the trait as often, run-off included."""
        tail = binomial_tail(*cell.pooled, self.null.high)
        return min(1.0, tail * len(self.cells))

    def of_layer(self, layer: int) -> list[Cell]:
        """The cells of one layer by dose."""
        return sorted((c for c in self.cells if c.layer == layer), key=lambda c: c.dose)

    def nat_scale(self, layer: int) -> float | None:
        """The scale of `layer` at which the p95 divergence is one nat; None if no dose reaches it."""
        cells = self.of_layer(layer)
        return scale_at(
            [cell.scale for cell in cells], [cell.divergence.p95 for cell in cells], ONE_NAT
        )

    def selection(self, **facts: Any) -> Selection:
        """What is chosen, beside these facts; `default` is what the slider shows where nothing is."""
        best = self.best()
        default = best or min(self.cells, key=lambda cell: cell.dose)
        return Selection(
            selected=self._chosen(best) if best else None,
            default=self._chosen(default),
            null=self.null,
            layers=tuple(self._layer(layer, rate) for layer, rate in self.null_by_layer.items()),
            cells=tuple(self.cells),
            ties=self.ties(best) if best else (),
            **facts,
        )

    def ties(self, best: Cell) -> tuple[int, ...]:
        """Other layers with a candidate whose interval reaches into that of the best, best first."""
        levels: dict[int, float] = {}
        for cell in self.candidates(len(self.cells)):
            if cell.layer != best.layer and cell.quality.trait.high >= best.quality.trait.low:
                levels.setdefault(cell.layer, cell.quality.trait.value)
        return tuple(sorted(levels, key=lambda layer: -levels[layer]))

    def _chosen(self, cell: Cell) -> Choice:
        # Round down to the slider's grid, because the next cell may not be coherent.
        scale = SCALE_STEP * max(1, floor(cell.scale / SCALE_STEP + 1e-9))
        return Choice(
            layer=cell.layer,
            scale=round(scale, 2),
            relative_dose=cell.dose * scale / cell.scale,
            nat_scale=self.nat_scale(cell.layer),
            chance=self.chance_of(cell),
            inside=self.is_inside(cell),
        )

    def _layer(self, layer: int, null: Rate) -> SweptLayer:
        coherent = [cell for cell in self.of_layer(layer) if cell.coherent]
        best = max(coherent, key=lambda cell: cell.quality.trait.value, default=None)
        return SweptLayer(
            layer=layer,
            null=null,
            best=BestCell(dose=best.dose, **best.quality.model_dump()) if best else None,
            nat_scale=self.nat_scale(layer),
        )
