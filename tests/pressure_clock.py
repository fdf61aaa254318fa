"""A service with a clock of its own: it answers at once, and says when it was asked."""

from heapq import heappop, heappush

from phoque.moderators.classifier import Score
from phoque.moderators.endpoint.asking import Pacer
from phoque.moderators.endpoint.description import Description
from phoque.moderators.endpoint.line import Desk
from phoque.moderators.endpoint.request import ready
from phoque.moderators.endpoint.service import Service
from phoque.stages.pressure.deciding import Remote
from tests.endpoint_double import Clock


class SlowDesk(Desk):
    """Requests take so many seconds of a clock, and as many are under way as the line allows."""

    def __init__(self, latency):
        super().__init__()
        self.clock, self.latency = Clock(), latency
        self.begun, self.texts = [], []
        self._under_way, self._free = [], {}

    def send(self, line, own, slot):
        free = self._free.setdefault(line, [0.0] * line.at_once)
        begin = max(slot, heappop(free), self.clock.now)
        heappush(free, begin + self.latency)
        heappush(self._under_way, (begin + self.latency, len(self.begun), line, own))
        self.begun.append(begin)
        self.texts += [one.text for one in own]

    def ended(self, seconds):
        end = self._under_way[0][0] if self._under_way else None
        if end is None or (seconds is not None and end > self.clock.now + seconds):
            assert seconds is not None, "nothing would ever end"
            self.clock.now += seconds
            return None
        _, _, line, own = heappop(self._under_way)
        self.clock.now = max(self.clock.now, end)
        return line, own, line.service.ask(own)

    def used(self, per_second):
        """Share of the rate that was used from the first request to the last."""
        return (len(self.begun) - 1) / (self.begun[-1] - self.begun[0]) / per_second


class Flagging(Service):
    """Answers by a rule."""

    def __init__(self, found, rule):
        super().__init__(found)
        self.rule = rule

    def ask(self, items, slot=None):
        self.proven = True
        return [Score(labels={"flagged": self.rule(one.text)}) for one in items]


def remote(desk, rule, *, per_second, at_once=8, batch=1, name="slow"):
    """A moderator that asks such a service."""
    several = batch > 1
    described = Description.model_validate(
        {
            "name": name,
            "url": "http://127.0.0.1:9/",
            "body": {"text": "${texts}" if several else "${text}"},
            "answer": {"score": "score"} | ({"each": "results"} if several else {}),
            "batch": batch,
            "requests_per_second": per_second,
            "at_once": at_once,
        }
    )
    service = Flagging(ready(described), rule)
    service.pacer = Pacer(per_second, clock=desk.clock, sleep=desk.clock.sleep)
    return Remote(name, service, desk)
