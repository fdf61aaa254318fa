"""A progress bar for whatever takes longer than a second: how far, how fast, how long still.

A terminal gets one line that is drawn anew, a log a line now and then. The library shows nothing
unless a command says where: `with shown_on(sys.stderr):`.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO, TypeVar

Item = TypeVar("Item")
SILENT_SECONDS = 1.0
"""What is done sooner says nothing."""
TERMINAL_SECONDS, LOG_SECONDS = 0.2, 30.0
"""Between two drawings of the line, and between two lines of a log."""
WIDTH = 20
LEAST_SHARE = 0.001
"""Of less nobody can tell how long the rest takes: loading and the first rows decide it."""
_stream: ContextVar[TextIO | None] = ContextVar("progress_stream", default=None)


@contextmanager
def shown_on(stream: TextIO | None) -> Iterator[None]:
    """Progress made inside is shown on this stream; on none with None."""
    token = _stream.set(stream)
    try:
        yield
    finally:
        _stream.reset(token)


class Progress:
    """One bar.

    Args:
        what: is done, such as "score chat.txt".
        unit: what is counted.
        stream: where to show it; None is what `shown_on` says.
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
        """Whether it is time to show how far it is."""
        return self._stream is not None and self._clock() >= self._due

    def at(self, count: int, share: float | None = None) -> None:
        """So many are done, which is this share of all, in [0, 1], where that is known."""
        self._due = self._clock() + (TERMINAL_SECONDS if self._drawn else LOG_SECONDS)
        self._show(self.line(count, share), end="" if self._drawn else "\n")

    def done(self, count: int) -> None:
        """All is done: the last line stays, where there was one."""
        if self._shown:
            seconds = self._clock() - self._start
            told = f"{count:,} {self._unit} in {span(seconds)} · {self._rate(count)}"
            self._show(f"{self._what}: {told}", end="\n")

    def line(self, count: int, share: float | None) -> str:
        """The bar as it is now."""
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
    """The items, with a bar while they are taken.

    Args:
        items: anything.
        what: is done with them.
        unit: what they are.
        total: how many there are, where that is known.
        share: how much of all is behind us, where only that is known.
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
    """A length of time for people: 42 s, 6 min, 1 h 05 min."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
