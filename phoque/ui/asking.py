"""What the model is asked for, and how its pieces come to the page."""

import time
from collections.abc import Collection, Iterator, Sequence

from phoque.conversation import Condition, Delta
from phoque.ui.services import Ask
from phoque.ui.state import ChatState, Settings

REFRESH_SECONDS = 0.07


def ask_of(prompt: str, earlier: ChatState, settings: Settings, asked: Sequence[Condition]) -> Ask:
    """What the model is asked: all columns of the tuned model, also where few are written again.

    In bf16 the size of a batch can tip a near tie. Asked alone, a column would not write what it
    writes beside the others. The base model is another batch, so it is asked only for its own column.
    """
    return Ask(
        prompt=prompt,
        conditions=[c for c in settings.conditions if c in asked or c != Condition.BASE],
        layer=settings.layer,
        scale=settings.scale,
        seed=settings.seed,
        temperature=settings.temperature,
        max_new_tokens=settings.max_new_tokens,
        histories=earlier.histories(),
        visitor=earlier.visitor,
    )


def only(columns: Collection[Condition], deltas: Iterator[Delta]) -> Iterator[Delta]:
    """Pieces of these columns; ends with the last of them, whatever others still write."""
    going = set(columns)
    for delta in deltas:
        if delta.condition in columns:
            yield delta
            if delta.finish_reason:
                going.discard(delta.condition)
        if not going:
            return


def gathered(deltas: Iterator[Delta]) -> Iterator[list[Delta]]:
    """Pieces of about `REFRESH_SECONDS`: a page cannot use every token."""
    waiting: list[Delta] = []
    shown = 0.0
    for delta in deltas:
        waiting.append(delta)
        if time.monotonic() - shown >= REFRESH_SECONDS:
            yield waiting
            waiting, shown = [], time.monotonic()
    if waiting:
        yield waiting
