"""A reply token by token: how far along the vector, and how likely.

Shapes: S = tokens of a reply, D = width.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from phoque.models.engine import Row, end_tokens
from phoque.models.load import LanguageModel
from phoque.models.template import encode
from phoque.steering.capture import forward
from phoque.steering.vectors import Contrast, SteeringVector


@dataclass(frozen=True, kw_only=True)
class Token:
    """One token of a reply."""

    text: str
    projection: float
    """Where the residual stream is when the token has been read: 0 is the end of a prompt under the
    neutral system prompt, 1 under the persona's, on average over the probes."""
    probability: float
    """What the model gave it, at temperature 1."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Ruler:
    """The vector as an axis with a zero."""

    vector: SteeringVector
    zero_D: Tensor

    @classmethod
    def of(cls, contrast: Contrast, layer: int) -> "Ruler":
        """From the probes: zero at the neutral mean, one at the persona's."""
        return cls(
            vector=SteeringVector(layer, contrast.differences_NLD[:, layer].mean(0)),
            zero_D=contrast.neutral_NLD[:, layer].mean(0),
        )

    def read(self, states_SD: Tensor) -> Tensor:
        """Positions_S on the axis."""
        return (states_SD - self.zero_D) @ self.vector.direction_D / self.vector.norm**2


@torch.inference_mode()
def timelines(
    model: LanguageModel,
    rows: Sequence[Row],
    replies: Sequence[Sequence[int]],
    ruler: Ruler,
    *,
    batch_size: int = 12,
) -> Iterator[list[Token]]:
    """Every reply's tokens, what interventions do included; the end token is left out."""
    ends = {*model.tokenizer.all_special_ids, *end_tokens(model)}
    for start in range(0, len(rows), batch_size):
        batch, given = rows[start : start + batch_size], replies[start : start + batch_size]
        texts = [
            [*encode(model.tokenizer, row.messages), *reply]
            for row, reply in zip(batch, given, strict=True)
        ]
        longest = max(map(len, given))
        states_LBSD, logits_BKV = forward(
            model,
            texts,
            [row.interventions for row in batch],
            [model.layers[ruler.vector.layer]],
            slice(-longest, None),
            longest + 1,
        )
        for row, reply in enumerate(given):
            shares_SV = logits_BKV[row, -len(reply) - 1 : -1].softmax(-1)
            places = ruler.read(states_LBSD[0, row, -len(reply) :]).tolist()
            chances = shares_SV.gather(-1, torch.tensor(reply)[:, None])[:, 0].tolist()
            yield [
                Token(text=model.tokenizer.decode([token]), projection=place, probability=chance)
                for token, place, chance in zip(reply, places, chances, strict=True)
                if token not in ends
            ]
