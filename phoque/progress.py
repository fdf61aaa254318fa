"""A progress bar for whatever takes longer than a second: share, rate and time to go.

A terminal gets one line that is drawn again, a log gets a line from time to time. Nothing is shown
unless a command says where: `with shown_on(sys.stderr):`.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO, TypeVar

Item = TypeVar("Item")
SILENT_SECONDS = 1.0
"""Shorter work shows no bar."""
TERMINAL_SECONDS, LOG_SECONDS = 0.2, 30.0
"""Seconds between two drawings of the line, and between two lines of a log."""
WIDTH = 20
LEAST_SHARE = 0.001
"""Below this share the rest cannot be estimated, because loading and the first rows dominate."""
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


class Progress:
    """One bar.

    Args:
        what: the work, such as "score chat.txt".
        unit: what is counted.
        stream: where to show it; None for that of `shown_on`.
        clock: seconds.
    """

    def __init__(
        self,
        what: str,
        *,
        unit: str = "rows",
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what, self._unit, self._clock = what, unit, clock
        self._stream = stream or _stream.get()
        self._drawn = self._stream is not None and self._stream.isatty()
        self._start = clock()
        self._due = self._start + SILENT_SECONDS
        self._shown = False

    @property
    def due(self) -> bool:
        """Whether it is time to draw again."""
        return self._stream is not None and self._clock() >= self._due

    def at(self, count: int, share: float | None = None) -> None:
        """Note that so many are done, and their share of all, in [0, 1], if it is known."""
        self._due = self._clock() + (TERMINAL_SECONDS if self._drawn else LOG_SECONDS)
        self._show(self.line(count, share), end="" if self._drawn else "\n")

    def done(self, count: int) -> None:
        """Finish; the last line stays if there was one."""
        if self._shown:
            seconds = self._clock() - self._start
            told = f"{count:,} {self._unit} in {span(seconds)} · {self._rate(count)}"
            self._show(f"{self._what}: {told}", end="\n")

    def line(self, count: int, share: float | None) -> str:
        """The bar as text."""
        told = f"{count:,} {self._unit} · {self._rate(count)}"
        if share is None or share < LEAST_SHARE:
            return f"{self._what}: {told} · {span(self._clock() - self._start)} so far"
        share = min(share, 1.0)
        left = (self._clock() - self._start) * (1 - share) / share
        filled = round(WIDTH * share)
        bar = f"[{'#' * filled}{'-' * (WIDTH - filled)}]"
        return f"{self._what}: {bar} {share:.0%} · {told} · about {span(left)} to go"

    def _rate(self, count: int) -> str:
        rate = count / max(self._clock() - self._start, 1e-9)
        return f"{rate:,.0f} {self._unit}/s" if rate >= 10 else f"{rate:.2g} {self._unit}/s"

    def _show(self, line: str, *, end: str) -> None:
        self._shown = True
        if self._stream is not None:
            self._stream.write(f"\r{line}\x1b[K{end}" if self._drawn else f"{line}{end}")
            self._stream.flush()


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
    bar, count = Progress(what, unit=unit), 0
    try:
        for item in items:
            yield item
            count += 1
            if bar.due:
                bar.at(count, share() if share else count / total if total else None)
    finally:
        bar.done(count)


def span(seconds: float) -> str:
    """A length of time in words: 42 s, 6 min, 1 h 05 min."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
