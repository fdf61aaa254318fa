"""When a request may leave: so many a second, and none while the service asks to wait."""

import time
from collections.abc import Callable
from threading import Lock


class Pacer:
    """Slots at equal distances, shared by all threads."""

    def __init__(
        self,
        per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._distance, self._clock, self._sleep = 1 / per_second, clock, sleep
        self._lock, self._next = Lock(), 0.0

    def wait(self) -> None:
        """Take the next slot and wait for it."""
        self.until(self.take())

    def take(self) -> float:
        """The next slot, which belongs to nobody else from now on; a moment of the clock."""
        with self._lock:
            mine = max(self._clock(), self._next)
            self._next = mine + self._distance
        return mine

    def until(self, slot: float) -> None:
        """Wait for a slot that was taken."""
        if (left := slot - self._clock()) > 0:
            self._sleep(left)

    @property
    def backlog(self) -> float:
        """Seconds until the next slot that nobody has taken."""
        with self._lock:
            return max(self._next - self._clock(), 0.0)

    def hold(self, seconds: float) -> None:
        """Give no slot for so long."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)
