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
        with self._lock:
            now = self._clock()
            mine = max(now, self._next)
            self._next = mine + self._distance
        if mine > now:
            self._sleep(mine - now)

    def hold(self, seconds: float) -> None:
        """Give no slot for so long."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)
