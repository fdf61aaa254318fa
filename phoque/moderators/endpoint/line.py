"""Requests to services in the order in which answers are wanted, without a gap between them.

Whoever wants answers says which, most urgent first, and says so anew as often as they like: what was not
sent yet is forgotten. Slots of a service's pace are given out shortly before they come, so that what is
sent is what is wanted most at that time.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from queue import Empty, SimpleQueue

from phoque.moderators.classifier import Item, Score
from phoque.moderators.endpoint.service import Service

LEAD = 0.1
"""Seconds before its slot in which a request is handed over: whoever decides may be busy for so long."""
SHORTEST = 0.001
"""Seconds; nobody looks more often whether there is a slot."""
Items = tuple[Item, ...]


class Desk:
    """Threads that send requests of all lines, and the place where answers come back."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._pools: dict[Line, ThreadPoolExecutor] = {}
        self._ended: SimpleQueue[tuple[Line, Items, list[Score] | BaseException]] = SimpleQueue()

    def send(self, line: "Line", own: Items, slot: float) -> None:
        """Have a thread ask about some items at a slot."""
        if line not in self._pools:
            self._pools[line] = ThreadPoolExecutor(line.at_once)
        self._pools[line].submit(self._sent, line, own, slot)

    def ended(
        self, seconds: float | None
    ) -> "tuple[Line, Items, list[Score] | BaseException] | None":
        """A request that ended; None where none does within so many seconds."""
        try:
            return self._ended.get(timeout=seconds) if seconds != 0 else self._ended.get_nowait()
        except Empty:
            return None

    def close(self, line: "Line") -> None:
        """Let requests that are under way end, and begin none."""
        if line in self._pools:
            self._pools.pop(line).shutdown(cancel_futures=True)

    def look(self, seconds: float | None = 0) -> bool:
        """Take an answer that came within so many seconds, and have every line send what it may.

        Returns whether there was one; raises what the request raised.
        """
        for one in self.lines:
            one.send()
        pauses = [seconds, *(one.pause() for one in self.lines)]
        ended = self.ended(min((one for one in pauses if one is not None), default=None))
        if ended is not None:
            line, own, said = ended
            line.take(own, said)
        return ended is not None

    def _sent(self, line: "Line", own: Items, slot: float) -> None:
        try:
            self._ended.put((line, own, line.service.ask(own, slot)))
        except BaseException as error:  # raised by whoever waits for the answer
            self._ended.put((line, own, error))


class Line:
    """What one service is asked; all lines of a desk are used by one thread."""

    def __init__(self, service: Service, desk: Desk) -> None:
        self.service, self.at_once = service, service.description.at_once
        self._desk, self._batch = desk, service.description.batch
        self._wanted: dict[Item, None] = {}
        """Not sent yet."""
        self._urgent: Item | None = None
        """What somebody waits for."""
        self._under_way: set[Item] = set()
        self._requests = 0
        self.sent = 0
        """Texts that were asked about."""
        self.unsaid: set[Item] = set()
        """Of these, those of which nobody has told that they were needed."""
        self._answers: dict[Item, Score] = {}
        desk.lines.append(self)

    @property
    def enough(self) -> int:
        """Texts with which as many requests as may be under way are full."""
        return self._batch * self.at_once

    def want(self, items: Iterable[Item]) -> None:
        """Ask about these, most urgent first, and about nothing else that was not sent yet."""
        known = self._under_way | self._answers.keys()
        self._wanted = {one: None for one in items if one not in known}
        self.send()

    def answers(self) -> dict[Item, Score]:
        """Those that came since the last call. Raises what a request raised."""
        while self._desk.look():
            pass
        found, self._answers = self._answers, {}
        return found

    def wait(self, item: Item) -> dict[Item, Score]:
        """The same, with the answer about an item, which need not be wanted yet."""
        if not any(item in known for known in (self._under_way, self._wanted, self._answers)):
            self.want([item, *self._wanted])
        self._urgent = item
        while item not in self._answers:
            self._desk.look(None)
        self._urgent = None
        return self.answers()

    def first(self, items: Iterable[Item]) -> Items:
        """What the first request about some items is about."""
        return tuple(islice(dict.fromkeys(items), self._batch))

    def send(self) -> None:
        """Hand over what the pace allows: full requests, or one with what somebody waits for."""
        pacer = self.service.pacer
        while self._due() and pacer.backlog <= LEAD:
            urgent = [self._urgent] if self._urgent in self._wanted else []
            own = self.first([*urgent, *self._wanted])
            for one in own:
                del self._wanted[one]
            self._under_way |= {*own}
            self.unsaid |= {*own}
            self.sent += len(own)
            self._requests += 1
            self._desk.send(self, own, pacer.take())

    def pause(self) -> float | None:
        """Seconds until a slot may be taken, if all that a request waits for is one."""
        return max(self.service.pacer.backlog - LEAD, SHORTEST) if self._due() else None

    def take(self, own: Sequence[Item], said: list[Score] | BaseException) -> None:
        """An answer that came, or why none did, which is raised."""
        self._requests -= 1
        self._under_way -= {*own}
        if isinstance(said, BaseException):
            raise said
        self._answers |= zip(own, said, strict=True)

    def close(self) -> None:
        """Let what was sent end, and send nothing more."""
        self._wanted = {}
        self._desk.close(self)

    def _due(self) -> bool:
        """Whether there is a request to send; one alone is under way until the service has proved itself."""
        free = self._requests < (self.at_once if self.service.proven else 1)
        return free and (len(self._wanted) >= self._batch or self._urgent in self._wanted)
