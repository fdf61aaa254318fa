"""Visitors of the page for a load benchmark: clients of its own queue, each with a session of its own."""

import json
import random
import re
import threading
import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
from gradio_client.utils import apply_diff

API = "/gradio_api"
MOST_TURNS = 6
"""Messages until a visitor leaves."""
MESSAGE, SCALE, PRESSED = "Your message", "Steering scale", "Pressed"
EXTRAS = "Also: base model and random vector"
AHEAD = "ahead of you"
TAG = re.compile(r"visitor (\d+) asks")
TOPICS = ("my soup is flat", "we lost again", "rate my deck", "the last jump", "my first stream")


@dataclass
class Seen:
    """What all visitors measured together."""

    quick: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    """From Stop to the end of the run."""
    errors: list[str] = field(default_factory=list)
    runs: int = 0
    stopped: int = 0
    told: int = 0
    """Runs that were told their place in the line."""


class Page:
    """The page's own description of its events."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        config = httpx.get(f"{self.address}/config", timeout=60).json()
        self._values = {one["id"]: one["props"].get("value") for one in config["components"]}
        self._named = {
            one["id"]: one["props"].get("label") or one["props"].get("value")
            for one in config["components"]
        }
        self._reach = {
            one["props"].get("label"): (one["props"]["minimum"], one["props"]["maximum"])
            for one in config["components"]
            if one["type"] == "slider"
        }
        self._events = config["dependencies"]

    def events(self, kind: str, name: str = "", *, queued: bool = False) -> list[dict[str, Any]]:
        """Events that the server answers, of all components or of those with this label or text."""
        return [
            dict(one)
            for one in self._events
            for component, found in one["targets"]
            if found == kind and name in ("", self._named.get(component))
            if bool(one["backend_fn"]) and bool(one["queue"]) == queued
        ]

    def event(self, name: str, kind: str, *, queued: bool = False) -> dict[str, Any]:
        """The first of them.

        Raises:
            LookupError: there is none.
        """
        if found := self.events(kind, name, queued=queued):
            return found[0]
        raise LookupError(f"The page has no event {kind} of {name!r}.")

    def chats(self) -> list[dict[str, Any]]:
        """What sends a message, of every persona."""
        found = self.events("click", "Run", queued=True)
        return [one for one in found if {MESSAGE, SCALE} <= {*map(self._named.get, one["inputs"])}]

    def reach(self, name: str) -> tuple[float, float]:
        """The ends of a slider."""
        return self._reach[name]

    def data(self, event: dict[str, Any], **changed: Any) -> list[Any]:
        """What the inputs hold as the page opens, but for those named by label."""
        return [
            changed.get(str(self._named.get(one)), self._values.get(one)) for one in event["inputs"]
        ]


class Visitor(threading.Thread):
    """One browser at a time: mostly chats, sometimes stops, drags the scale or opens a tab."""

    def __init__(self, number: int, page: Page, end: float, seen: Seen) -> None:
        super().__init__(name=f"visitor-{number}", daemon=True)
        self._number, self._page, self._end, self._seen = number, page, end, seen
        self._chance = random.Random(number)
        self._client = httpx.Client(base_url=f"{page.address}{API}", timeout=180)
        self._open = ExitStack()
        self._session, self._turns = "", MOST_TURNS
        self._presses = self._stops = 0

    def run(self) -> None:
        """Until the time is over; an error is noted, and the visitor goes on."""
        kinds = (self._chat, self._chat, self._stop, self._drag, self._look)
        while time.monotonic() < self._end:
            try:
                if self._turns >= MOST_TURNS:
                    self.come()
                self._chance.choice(kinds)()
            except Exception as error:
                self._seen.errors.append(f"{type(error).__name__}: {error}")
            time.sleep(self._chance.uniform(0.5, 3.0))
        self._open.close()

    def come(self) -> None:
        """The one before closes the page, somebody else opens it."""
        self._open.close()
        self._session, self._turns = uuid.uuid4().hex, 0
        # The page knows by this stream that its browser is there.
        self._open.enter_context(self._client.stream("GET", f"/heartbeat/{self._session}"))
        for event in self._page.events("load"):
            self._send(event)

    def tour(self) -> None:
        """Use everything once that is loaded late.

        Every tab and drawer, both models of every persona,
        moderators and judge, and the pressure test's channel.
        """
        self.come()
        for kind in ("select", "expand"):
            for event in self._page.events(kind):
                self._send(event)
        for event in self._page.chats():
            for _ in self._pieces(event, **{EXTRAS: True}):
                pass
            self._turns = 0
            self.come()
        channel = self._pieces(self._page.event("Run the test", "click", queued=True))
        for outputs in channel:
            if "ph-said" in str(outputs):
                break
        channel.close()
        self._open.close()

    def _chat(self) -> None:
        shown: list[Any] = []
        for shown in self._pieces():  # noqa: B007  # the last one counts
            pass
        self._check(shown)

    def _stop(self) -> None:
        pressed = 0.0
        for _ in self._pieces():
            if not pressed:
                pressed = time.perf_counter()
                self._stops = self._presses = self._presses + 1
                self._send(self._page.event("Stop", "click"), **{PRESSED: str(self._stops)})
        self._seen.ended.append(time.perf_counter() - pressed)
        self._seen.stopped += 1

    def _drag(self) -> None:
        chosen = self._chance.uniform(*self._page.reach(SCALE))
        self._quick(SCALE, "change", **{SCALE: chosen})

    def _look(self) -> None:
        tab = self._chance.choice(("Where it lives", "What moved", "How it learned"))
        self._quick(tab, "select")

    def _quick(self, name: str, kind: str, **changed: Any) -> None:
        start = time.perf_counter()
        self._send(self._page.event(name, kind), **changed)
        self._seen.quick.append(time.perf_counter() - start)

    def _send(self, event: dict[str, Any], **changed: Any) -> None:
        asked = self._asked(event, **changed)
        self._client.post("/run/predict", json=asked).raise_for_status()

    def _asked(self, event: dict[str, Any], **changed: Any) -> dict[str, Any]:
        return {
            "data": self._page.data(event, **changed),
            "fn_index": event["id"],
            "session_hash": self._session,
        }

    def _pieces(self, event: dict[str, Any] | None = None, **changed: Any) -> Generator[list[Any]]:
        """Outputs as they grow; without an event those of a message."""
        message = f"visitor {self._number} asks: {self._chance.choice(TOPICS)}"
        event = event or self._page.chats()[0]
        self._presses += 1
        numbers = f"{self._presses} {self._stops}"
        asked = self._asked(event, **{MESSAGE: message, PRESSED: numbers}, **changed)
        start = time.perf_counter()
        self._client.post("/queue/join", json=asked).raise_for_status()
        self._seen.runs += 1
        self._turns += 1
        outputs, told = list[Any](), False
        for one in self._messages():
            self._notice(one)
            grown = (
                one.get("output", {}).get("data") if one["msg"] == "process_generating" else None
            )
            if grown is None:
                continue
            outputs = (
                [apply_diff(*pair) for pair in zip(outputs, grown, strict=True)]
                if outputs
                else grown
            )
            if "tok/s" in str(outputs) and start:
                self._seen.first.append(time.perf_counter() - start)
                start = 0.0
            told = told or AHEAD in str(outputs)
            yield outputs
        self._seen.told += told

    def _messages(self) -> Iterator[dict[str, Any]]:
        with self._client.stream("GET", f"/queue/data?session_hash={self._session}") as lines:
            for line in lines.iter_lines():
                if not line.startswith("data:"):
                    continue
                message = json.loads(line.removeprefix("data:"))
                yield message
                if message["msg"] in {"process_completed", "close_stream"}:
                    return

    def _notice(self, message: dict[str, Any]) -> None:
        if message["msg"] == "process_completed" and not message["success"]:
            self._seen.errors.append(f"run failed: {message['output']}")

    def _check(self, outputs: list[Any]) -> None:
        asked_by = set(TAG.findall(str(outputs)))
        if asked_by != {str(self._number)}:
            self._seen.errors.append(f"visitor {self._number} saw messages of {sorted(asked_by)}")
