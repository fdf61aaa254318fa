"""Rows that are decoded together although they come and go at different times.

A request's rows join between two tokens of the others and leave when they are finished. They are read
and drawn separately, so what their neighbours say does not matter. In bf16 the size of the batch can
tip a near tie, as in `phoque.models.engine.decode`.

Shapes: B = rows, V = vocabulary.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from phoque.conversation import Sampling
from phoque.models.decoders import Decoder, begun
from phoque.models.engine import Piece, Row, Writer
from phoque.models.load import LanguageModel
from phoque.models.sampling import Sampler
from phoque.models.template import encode
from phoque.progress import Stopped, never


class StopText:
    """Passes text on until a stop string comes; holds back what may become one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self._held = ""
        self.found = False

    def push(self, text: str, *, last: bool) -> str:
        """The text that surely belongs to the reply; all of it at the `last` piece."""
        self._held += text
        places = [place for stop in self._stops if (place := self._held.find(stop)) >= 0]
        self.found = bool(places)
        cut = min(places) if places else len(self._held) - (0 if last else self._begun())
        sure, self._held = self._held[:cut], self._held[cut:]
        return sure

    def _begun(self) -> int:
        """Length of the longest ending of the text with which a stop string begins."""
        lengths = range(max(map(len, self._stops), default=1) - 1, 0, -1)
        endings = (size for size in lengths if size <= len(self._held))
        return next((size for size in endings if self._begins(self._held[-size:])), 0)

    def _begins(self, ending: str) -> bool:
        return any(stop.startswith(ending) for stop in self._stops)


@dataclass(frozen=True, kw_only=True)
class Work:
    """The rows of one request."""

    model: LanguageModel
    rows: Sequence[Row]
    """All different."""
    sampling: Sampling
    deliver: Callable[[Piece], bool] = lambda _: True
    """Takes a piece of row `rows[piece.row]` and says whether that row goes on."""
    owner: str | None = None
    """As in `phoque.models.engine.decode`."""
    unwanted: Stopped = never
    """Whether its reader has left."""

    @cached_property
    def prompts(self) -> list[list[int]]:
        """Token ids of each row."""
        return [encode(self.model.tokenizer, row.messages) for row in self.rows]

    @property
    def longest(self) -> int:
        """Tokens of the longest prompt with its reply."""
        return max(map(len, self.prompts)) + self.sampling.max_new_tokens


@dataclass(frozen=True, eq=False)
class _Seat:
    writer: Writer
    draw: Sampler
    work: Work
    deadline: float

    def take(self, logits_V: Tensor) -> tuple[int, bool]:
        """Take the next token; says whether the row goes on."""
        token = int(self.draw(logits_V[None]))
        piece = self.writer.push(token, late=time.monotonic() >= self.deadline)
        wanted = self.work.deliver(piece)
        return token, wanted and piece.finish_reason is None


class Batch:
    """The rows of one model that are being decoded."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._seats: list[_Seat] = []
        self._decoder: Decoder | None = None
        self._logits_BV = torch.empty(0)

    def __len__(self) -> int:
        return len(self._seats)

    @property
    def joins(self) -> bool:
        """Whether another row may join now; some models need an empty batch."""
        return self._decoder is None or self._decoder.joins

    def has(self, work: Work) -> bool:
        """Whether a row of this work is being decoded."""
        return any(seat.work is work for seat in self._seats)

    @torch.inference_mode()
    def join(self, work: Work) -> None:
        """Read the prompts of a request, equal ones once, and add its rows to the batch.

        UnwantedError where its reader leaves meanwhile.
        """
        keys = [(tuple(ids), tuple(map(id, row.interventions)))
                for ids, row in zip(work.prompts, work.rows, strict=True)]  # fmt: skip
        read = [keys.index(key) for key in dict.fromkeys(keys)]
        treated = [work.rows[place].interventions for place in read]
        texts = [work.prompts[place] for place in read]
        decoder, logits_BV = begun(
            self._model, treated, texts, owner=work.owner, stopped=work.unwanted
        )
        if len(read) < len(keys):
            copies = [read.index(keys.index(key)) for key in keys]
            decoder.keep(copies)
            logits_BV = logits_BV[copies]
        if self._decoder is None:
            self._decoder, self._logits_BV = decoder, logits_BV
        else:
            self._decoder.join(decoder)
            self._logits_BV = torch.cat([self._logits_BV, logits_BV])
        self._seats += _seats(work)

    @torch.inference_mode()
    def step(self) -> None:
        """Draw a token for every row, deliver it, and compute the next logits."""
        pairs = zip(self._seats, self._logits_BV, strict=True)
        taken = [seat.take(logits_V) for seat, logits_V in pairs]
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


def _seats(work: Work) -> list[_Seat]:
    limit = work.sampling.deadline_seconds
    deadline = time.monotonic() + (float("inf") if limit is None else limit)
    return [
        _Seat(
            Writer(work.model, place, work.sampling.max_new_tokens),
            Sampler([row.seed], work.sampling, [prompt]),
            work,
            deadline,
        )
        for place, (row, prompt) in enumerate(zip(work.rows, work.prompts, strict=True))
    ]
