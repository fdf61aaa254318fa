"""Rows that are decoded together although they come and go at different times.

A row joins between two tokens of the others and leaves as soon as it is finished. It is read alone
and drawn alone, so that what its neighbours say does not matter to it; by rounding it may depend on
how many they are and how long, as in `phoque.engine.decode`.

Shapes: B = rows, V = vocabulary.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from phoque.decoders import Decoder, begun
from phoque.engine import Piece, Writer
from phoque.models.load import LanguageModel
from phoque.records import Sampling
from phoque.sampling import Sampler
from phoque.steering.hooks import Interventions


@dataclass(frozen=True, kw_only=True)
class Work:
    """One prompt to continue, once for every seed."""

    prompt: Sequence[int]
    """Token ids."""
    interventions: Interventions
    seeds: Sequence[int]
    sampling: Sampling
    deliver: Callable[[Piece], bool]
    """Takes a piece, whose `row` is the place of its seed; says whether that row shall go on."""


@dataclass(frozen=True, eq=False)
class _Seat:
    writer: Writer
    draw: Sampler
    work: Work

    def take(self, logits_V: Tensor) -> tuple[int, bool]:
        """The next token, and whether the row goes on after it."""
        token = int(self.draw(logits_V[None]))
        piece = self.writer.push(token, late=False)
        wanted = self.work.deliver(piece)
        return token, wanted and piece.finish_reason is None


class Batch:
    """The rows that are being decoded."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._seats: list[_Seat] = []
        self._decoder: Decoder | None = None
        self._logits_BV = torch.empty(0)

    def __len__(self) -> int:
        return len(self._seats)

    @property
    def joins(self) -> bool:
        """Whether another row may come in now; some models take new rows only when empty."""
        return self._decoder is None or self._decoder.joins

    @torch.inference_mode()
    def join(self, work: Work) -> None:
        """Read a prompt, once, and go on from it with a row for every seed."""
        decoder, logits_BV = begun(self._model, [work.interventions], [work.prompt])
        decoder.keep([0] * len(work.seeds))
        logits_BV = logits_BV.expand(len(work.seeds), -1)
        if self._decoder is None:
            self._decoder, self._logits_BV = decoder, logits_BV
        else:
            self._decoder.join(decoder)
            self._logits_BV = torch.cat([self._logits_BV, logits_BV])
        self._seats += [
            _Seat(
                Writer(self._model, place, work.sampling.max_new_tokens),
                Sampler([seed], work.sampling, [work.prompt]),
                work,
            )
            for place, seed in enumerate(work.seeds)
        ]

    @torch.inference_mode()
    def step(self) -> None:
        """Draw one token for every row, deliver it, and compute what comes after it."""
        taken = [
            seat.take(logits) for seat, logits in zip(self._seats, self._logits_BV, strict=True)
        ]
        going = [place for place, (_, goes_on) in enumerate(taken) if goes_on]
        if not going or self._decoder is None:
            self.clear()
            return
        if len(going) < len(self._seats):
            self._decoder.keep(going)
            self._seats = [self._seats[place] for place in going]
        ids = [taken[place][0] for place in going]
        self._logits_BV = self._decoder.step(torch.tensor(ids, device=self._model.device))

    def clear(self) -> None:
        """Forget all rows."""
        self._seats, self._decoder, self._logits_BV = [], None, torch.empty(0)
