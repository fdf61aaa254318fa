"""The columns of one request: a row a condition, and their pieces as they come."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from phoque.conversation import Condition, Sampling
from phoque.models.engine import Piece, Row
from phoque.models.load import LanguageModel

Decoding = Callable[..., Iterator[list[Piece]]]
"""A function like `phoque.models.engine.decode`: model, rows, sampling and owner to pieces."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A checked request: one row for each condition, with layer and scale."""

    layer: int
    scale: float
    sampling: Sampling
    rows: Mapping[Condition, Row]


NamedPieces = list[tuple[Condition, Piece]]


def steps(
    model: LanguageModel, conditions: Sequence[Condition], request: Request, decoding: Decoding
) -> Iterator[NamedPieces]:
    """What one model's conditions write, step by step."""
    rows = [request.rows[condition] for condition in conditions]
    decoded = decoding(model, rows, request.sampling)
    return ([(conditions[piece.row], piece) for piece in pieces] for pieces in decoded)


def alternating(streams: Sequence[Iterator[NamedPieces]]) -> Iterator[NamedPieces]:
    """One step of each stream in turn until all have ended."""
    running = list(streams)
    while running:
        for stream in list(running):
            step = next(stream, None)
            if step is None:
                running.remove(stream)
            else:
                yield step
