"""One request over HTTP with its retries and at its pace: what came back, or why nothing did."""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from random import uniform
from threading import Lock
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from phoque.moderators.classifier import Item, UnavailableError
from phoque.moderators.endpoint.answers import UnreadableError
from phoque.moderators.endpoint.description import is_local
from phoque.moderators.endpoint.request import Ready

LONGEST_ANSWER, PIECE = 16_000_000, 65_536
"""Of an answer: how much is read, and how much at a time (bytes)."""
READ, SHOWN = 10_000, 200
"""How much of a refusal is read (bytes), and how much of it people see (characters)."""
LONGEST_WAIT = 120.0
"""Seconds; where a service asks for more, it is asked later, by another command."""
Answer = TypeVar("Answer")
REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}


class NoAnswerError(Exception):
    """No answer about these texts, after all retries."""


class LongWaitError(Exception):
    """The service asks for a wait that is longer than anybody waits here."""


class RejectedError(NoAnswerError):
    """The service takes no such request, with this status; asking again is no use."""


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        # Another address was not allowed, and may be another machine.
        return None


@dataclass
class Counts:
    """What became of the requests, from all threads."""

    seen: Counter[str] = field(default_factory=Counter)
    cost: float = 0.0
    kept: tuple[float, float] | None = None
    """When the oldest and the newest answer from the cache was kept, in seconds since 1970."""
    reason: str = ""
    """Why the last request without a usable answer had none."""
    _lock: Lock = field(default_factory=Lock)

    def add(self, name: str, number: int = 1, *, cost: float = 0.0) -> None:
        """Count something."""
        with self._lock:
            self.seen[name] += number
            self.cost += cost

    def add_kept(self, number: int, times: tuple[float, float] | None) -> None:
        """Count answers from the cache, with the times of the oldest and the newest."""
        self.add("from_cache", number)
        with self._lock:
            known = [one for one in (self.kept, times) if one]
            if known:
                self.kept = min(first for first, _ in known), max(last for _, last in known)


class Asking:
    """Requests to one service, at its pace."""

    def __init__(self, ready: Ready) -> None:
        self._ready, self._description = ready, ready.description
        self.pacer = Pacer(ready.description.requests_per_second)
        self._opener = _opener(ready.url)
        self.counts = Counts()

    def answer(
        self, items: Sequence[Item], read: Callable[[Any], Answer], *, slot: float | None = None
    ) -> Answer:
        """What `read` makes of the JSON answer about some items; sent at a slot that was taken, or the next.

        Raises:
            NoAnswerError: there is none that can be read; says why.
            UnreadableError: that about several items cannot be read; each can be asked about alone.
            UnavailableError: the service refuses this client altogether.
            LongWaitError: it asks to be left alone for longer than `LONGEST_WAIT`.
        """
        why = ""
        for attempt in range(self._description.retries + 1):
            if attempt:
                self.counts.add("retries")
                time.sleep(self._pause(attempt - 1))
            self.pacer.until(self.pacer.take() if attempt or slot is None else slot)
            self.counts.add("requests")
            try:
                return read(self._once(items))
            except HTTPError as error:
                with error:
                    told = self.note(_told(error), items)
                    why = self._refusal(error, attempt, told)
            except (URLError, HTTPException, OSError) as error:
                self.counts.add("timeouts")
                why = f"no connection: {getattr(error, 'reason', None) or error}"
                self.note(why, items)
            except UnreadableError as error:
                self.counts.add("malformed")
                why = f"unreadable answer: {error}"
                self.note(why, items)
                if len(items) > 1:
                    raise
            except ValueError:
                self.counts.add("malformed")
                why = "an answer that is no JSON"
                self.note(why, items)
        raise NoAnswerError(why)

    def note(self, reason: str, items: Sequence[Item]) -> str:
        """Keep why a request about some items had no usable answer, as people may read it."""
        told = self._ready.masked(reason, items)[:SHOWN]
        self.counts.reason = told
        return told

    def _once(self, items: Sequence[Item]) -> Any:
        description = self._description
        body, method = self._ready.body(items), description.method
        request = Request(self._ready.url, body, self._ready.headers, method=method)
        end = time.monotonic() + description.timeout
        with self._opener.open(request, timeout=description.timeout) as answer:
            said = _body(answer, end)
        self.counts.add("answers", cost=description.cost_per_call)
        return json.loads(said)

    def _refusal(self, error: HTTPError, attempt: int, told: str) -> str:
        """Why the service said no, if asking again may help."""
        name = self._description.name
        if error.code in REFUSED:
            raise UnavailableError(
                f"{name} refuses the request: {told}. Check its address and key."
            ) from error
        if 300 <= error.code < 400:
            raise UnavailableError(
                f"{name} sends on to another address: HTTP {error.code}. Give that one, if you trust it."
            ) from error
        if error.code == HTTPStatus.TOO_MANY_REQUESTS:
            self.counts.add("too_many")
            self.pacer.hold(_asked_wait(error) or self._pause(attempt))
            return f"HTTP {error.code}"
        self.counts.add("failed")
        if 400 <= error.code < 500 and error.code != HTTPStatus.REQUEST_TIMEOUT:
            raise RejectedError(f"HTTP {error.code}") from error
        self.pacer.hold(_asked_wait(error))
        return f"HTTP {error.code}"

    def _pause(self, attempt: int) -> float:
        longest = self._description.backoff * float(2**attempt)
        return min(uniform(longest / 2, longest), LONGEST_WAIT)


def _body(answer: HTTPResponse, end: float) -> bytes:
    """The body as far as it may be read; TimeoutError where the rest is not here at `end`, a monotonic time.

    The socket's own limit holds for each byte: a service that sends one now and then would never end.
    """
    said = bytearray()
    while len(said) < LONGEST_ANSWER and (piece := answer.read1(PIECE)):
        said += piece
        if time.monotonic() > end:
            raise TimeoutError("timed out")
    return bytes(said)


def _told(error: HTTPError) -> str:
    """The status of a refusal, and how its body begins."""
    body = b""
    with suppress(OSError, HTTPException, ValueError):
        body = error.read(READ)
    said = body.decode("utf-8", errors="replace").strip()
    return f"HTTP {error.code}: {said}" if said else f"HTTP {error.code}"


def _asked_wait(error: HTTPError) -> float:
    """Seconds that a refusal asks to wait; 0 where it does not say. LongWaitError for too many."""
    seconds = _seconds(error.headers.get("Retry-After", ""))
    if seconds > LONGEST_WAIT:
        raise LongWaitError(
            f"asks for a wait of {seconds:,.0f} s (HTTP {error.code}, Retry-After); "
            f"the longest here is {LONGEST_WAIT:.0f} s"
        ) from error
    return seconds


def _seconds(said: str) -> float:
    """A length of time, or the time until a date; 0 for anything else."""
    with suppress(ValueError):
        return float(said) if float(said) > 0 else 0.0
    with suppress(ValueError, OverflowError):
        moment = parsedate_to_datetime(said)
        # A date of HTTP without a zone is in UTC (RFC 9110, 5.6.7).
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
    return 0.0


def _opener(url: str) -> OpenerDirector:
    # On this machine a proxy of the environment would be another machine.
    return build_opener(_NoRedirect(), *([ProxyHandler({})] if is_local(url) else ()))


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
