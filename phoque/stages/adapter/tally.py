"""What a training learns, counted by token: are long-form and short replies learned alike?

Shapes: B = examples in a batch, S = tokens.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from phoque.config import this_process
from phoque.stages.adapter.processes import total

ALL = ""
"""Stands for replies of every style."""
TOKENS, *SUMMED = COUNTED = ("tokens", "loss", "entropy", "right")
Sums = dict[str, dict[str, float]]
"""By style: learned tokens, and sums over them."""


class Tally:
    """Listens to the forward passes of a training and adds up since the last row of the curve."""

    def __init__(self, tokens: Sequence[Sequence[int]], styles: Sequence[str | None]) -> None:
        """`tokens` are those of each example, by which it is known again in a batch."""
        pairs = zip(tokens, styles, strict=True)
        self._style = {tuple(own): name for own, name in pairs if name}
        self._names = [ALL, *sorted(set(self._style.values()))]
        self._own = self._nothing()

    def listen(self, model: nn.Module) -> None:
        """Be told of every forward pass."""
        model.register_forward_hook(
            lambda module, _, inputs, output: (
                self._hear(inputs, output) if module.training else None
            ),
            with_kwargs=True,
        )

    def sums(self) -> Sums:
        """Over all processes; all of them have to ask."""
        flat = iter(total([own[key] for own in self._own.values() for key in COUNTED]))
        return {name: {key: next(flat) for key in COUNTED} for name in self._names}

    def restore(self, sums: Sums) -> None:
        """Go on from earlier sums; the first process goes on for all."""
        if this_process().first:
            self._own = {name: dict(own) for name, own in sums.items()}

    def means(self) -> Sums:
        """Means over learned tokens of the styles that were learned, since the last call."""
        sums = self.sums()
        self._own = self._nothing()
        return {
            name: {key: own[key] / own[TOKENS] for key in SUMMED}
            for name, own in sums.items()
            if own[TOKENS]
        }

    def _nothing(self) -> Sums:
        return {name: dict.fromkeys(COUNTED, 0.0) for name in self._names}

    def _hear(self, inputs: Mapping[str, Tensor], output: Any) -> None:
        # All but the mask are 0 where nothing is learned.
        counted = (output.label_mask, -output.log_probs, output.entropy, output.is_top1)
        sums = [one.detach().double().sum(-1).tolist() for one in counted]
        kept_BS = inputs["attention_mask"].bool()
        for ids_S, kept_S, values in zip(
            inputs["input_ids"], kept_BS, zip(*sums, strict=True), strict=True
        ):
            for name in {ALL, self._style.get(tuple(ids_S[kept_S].tolist()), ALL)}:
                own = self._own[name]
                for key, value in zip(COUNTED, values, strict=True):
                    own[key] += value
