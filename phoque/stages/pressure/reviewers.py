"""People who look at doubtful messages, one after the other, and decide rightly."""

from collections import deque

from phoque.stages.pressure.policy import Policy


class Reviewers:
    """The queue of a channel: a message waits until everything before it is decided."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy.review
        self._free_at = 0.0
        self._done: deque[float] = deque()

    def takes(self, level: float, threshold: float) -> bool:
        """Whether a message is doubtful."""
        return self._policy is not None and self._policy.from_ <= level < threshold

    def finish(self, at: float) -> float | None:
        """When they have decided about a message of now; None where the queue is full."""
        assert self._policy is not None
        while self._done and self._done[0] <= at:
            self._done.popleft()
        if len(self._done) >= self._policy.longest_queue:
            return None
        begin = max(at + self._policy.delay, self._free_at)
        self._free_at = begin + 3600 / self._policy.capacity_per_hour
        self._done.append(self._free_at)
        return self._free_at
