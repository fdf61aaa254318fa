"""A progress bar for whatever takes longer than a second: share, rate and time to go.

A terminal gets one line that is drawn again, a log gets a line from time to time. Nothing is shown
unless a command says where: `with shown_on(sys.stderr):`.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TextIO, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
SILENT_SECONDS = 1.0
"""Shorter work shows no bar."""
TERMINAL_SECONDS, LOG_SECONDS = 0.2, 30.0
"""Seconds between two drawings of the line, and between two lines of a log."""
Stopped = Callable[[], bool]
"""Says whether what is going on is no longer wanted."""
_stream: ContextVar[TextIO | None] = ContextVar("progress_stream", default=None)


def never() -> bool:
    """Nobody stops it."""
    return False


@contextmanager
def shown_on(stream: TextIO | None) -> Iterator[None]:
    """Within the context, progress is shown on this stream; None shows nothing."""
    token = _stream.set(stream)
    try:
        yield
    finally:
        _stream.reset(token)


@dataclass
class _Log:
    """Takes a bar that is drawn again and again, and writes it line by line."""

    stream: TextIO

    def write(self, text: str) -> None:
        if line := text.strip():
            self.stream.write(f"{line}\n")

    def flush(self) -> None:
        self.stream.flush()


def watched(
    items: Iterable[Item],
    what: str,
    *,
    unit: str = "rows",
    total: int | None = None,
    share: Callable[[], float | None] | None = None,
) -> Iterator[Item]:
    """The items, with a bar while they are consumed.

    Args:
        items: anything.
        what: the work.
        unit: what they are called.
        total: how many there are, if known.
        share: the share that is done, if only that is known.
    """
    stream = _stream.get()
    drawn = stream is not None and stream.isatty()
    with tqdm(
        desc=what,
        unit=f" {unit}",
        total=total,
        file=stream if drawn or stream is None else _Log(stream),
        disable=stream is None,
        delay=SILENT_SECONDS,
        mininterval=TERMINAL_SECONDS if drawn else LOG_SECONDS,
    ) as bar:
        for item in items:
            yield item
            if share and (done := share()):
                bar.total = round((bar.n + 1) / done)
            bar.update()


def span(seconds: float) -> str:
    """A length of time in words: 42 s, 6 min, 1 h 05 min."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
