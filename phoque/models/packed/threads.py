"""How many threads a forward pass takes: as many as pay, and never more than allowed.

A matrix product of a small model is shorter than the scheduler's time slice. If another program uses
one of two cores, each product of two threads waits a slice for the thread that is not running. One
thread alone moves to the free core.
"""

import ctypes
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import torch

from phoque.cores import usable_cores

SLOW = 1.8
"""A step this many times its usual duration is slow."""
PATIENCE = 2
"""After so many slow steps in a row, other numbers of threads are tried."""
FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 32.0
"""The longest time before other numbers are tried again; the wait doubles with each confirmation."""
SMOOTHING = 0.3

_TURN = threading.Lock()
"""One pass at a time: two would wait for each other's threads."""


def allowed_threads() -> int:
    """The most threads, by torch's setting and the cores that there are."""
    return min(torch.get_num_threads(), usable_cores())


@contextmanager
def using(threads: int) -> Iterator[None]:
    """Within the context, torch uses so many threads."""
    before = torch.get_num_threads()
    if threads == before:
        yield
        return
    _set(threads)
    try:
        yield
    finally:
        _set(before)


def _set(threads: int) -> None:
    """Set the number for the calling thread alone if possible; torch's own setting reaches others."""
    with suppress(AttributeError, OSError, TypeError):
        _openmp().omp_set_num_threads(threads)
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


@cache
def _openmp() -> Any:
    """The OpenMP library that torch has loaded."""
    return ctypes.CDLL(None)


@contextmanager
def limited() -> Iterator[None]:
    """Within the context or the decorated function, torch uses the allowed threads."""
    with using(allowed_threads()):
        yield


@contextmanager
def capped(device: torch.device) -> Iterator[None]:
    """Within the context, a forward pass has its turn on the CPU and the allowed threads."""
    if device.type != "cpu":
        yield
        return
    with _TURN, limited():
        yield


class Pace:
    """Decides from the durations of steps how many threads the next one takes.

    It tries each number and keeps the fastest. It tries the others again, for a step each, when steps
    get several times slower, and from time to time.
    """

    def __init__(
        self, most: int, *, steady: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Use up to `most` threads, or exactly so many if the number changes the rounding."""
        others = {most - 1, most // 2, 1} - {0} if steady else set()
        numbers = sorted({most, *others}, reverse=True)
        self._clock = clock
        self._usual = dict.fromkeys(numbers, 0.0)
        # Twice: the first step with a number also wakes its threads, so the second one counts.
        self._trial = numbers * 2 if len(numbers) > 1 else []
        self._chosen = most
        self._slow = 0
        self._wait = FIRST_WAIT_SECONDS
        self._next_trial = float("inf")

    @property
    def threads(self) -> int:
        return self._trial[0] if self._trial else self._chosen

    @contextmanager
    def step(self) -> Iterator[None]:
        """One decode step: its turn, its threads, its duration."""
        with _TURN, using(self._granted(self.threads)):
            start = self._clock()
            yield
            self.note(self._clock() - start)

    @contextmanager
    def read(self) -> Iterator[None]:
        """A pass over a prompt, with the threads of the steps; its duration is not counted."""
        with _TURN, using(self._granted(self._chosen)):
            yield

    def _granted(self, threads: int) -> int:
        """At most the caller's own number, if another number changes no bit."""
        return min(threads, torch.get_num_threads()) if len(self._usual) > 1 else threads

    def note(self, seconds: float) -> None:
        """Take note of a step's duration."""
        if self._trial:
            self._usual[self._trial.pop(0)] = seconds
            if not self._trial:
                self._choose()
        elif len(self._usual) > 1:
            self._watch(seconds)

    def _choose(self) -> None:
        best = min(self._usual, key=self._usual.__getitem__)
        confirmed = best == self._chosen
        self._wait = min(2 * self._wait, LONGEST_WAIT_SECONDS) if confirmed else FIRST_WAIT_SECONDS
        self._chosen = best
        self._next_trial = self._clock() + self._wait

    def _watch(self, seconds: float) -> None:
        usual = self._usual[self._chosen]
        self._slow = self._slow + 1 if seconds > SLOW * usual else 0
        if self._slow >= PATIENCE or self._clock() >= self._next_trial:
            self._slow = 0
            self._usual[self._chosen] = seconds
            self._trial = [number for number in self._usual if number != self._chosen]
        elif not self._slow:
            self._usual[self._chosen] = usual + SMOOTHING * (seconds - usual)
