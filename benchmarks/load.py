"""Let visitors chat, drag, open tabs and stop at the same time, on the real page with the real model.

Each visitor is a client of the page's own queue, with a session of its own. Reported:
- `errors`: events that failed, and answers that hold another visitor's message;
- `quick p50/p95 ms`: everything but generation, as the client waits for it;
- `first piece p50/p95 s`: from Run to the first text, the waiting in line included;
- `told`: of the runs that waited, the share that was told place and time;
- `memory growth`: of the server, from the end of the warm-up to the end.

Usage: python benchmarks/load.py [--visitors 20] [--minutes 10] [--run DIR]
"""

import argparse
import json
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from gradio_client.utils import apply_diff
from machine import Watch

ROOT = Path(__file__).parent.parent
API = "/gradio_api"
WARM_UP = 0.2
"""Share of the time before memory is looked at first."""
TAG = re.compile(r"visitor (\d+) asks")
TOPICS = ("my soup is flat", "we lost again", "rate my deck", "the last jump", "my first stream")


@dataclass
class Seen:
    """What all visitors measured together."""

    quick: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    runs: int = 0
    stopped: int = 0
    waited: int = 0
    told: int = 0


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
        self._events = config["dependencies"]

    def event(self, name: str, kind: str, *, queued: bool) -> dict[str, Any]:
        """The first event that the server answers, of the component with this label or text."""
        for one in self._events:
            for component, found in one["targets"]:
                runs_here = bool(one["backend_fn"]) and bool(one["queue"]) == queued
                if found == kind and self._named.get(component) == name and runs_here:
                    return dict(one)
        raise LookupError(f"The page has no event {kind} of {name!r}.")

    def data(self, event: dict[str, Any], **changed: Any) -> list[Any]:
        """What the inputs hold as the page opens, but for those named by label."""
        return [
            changed.get(str(self._named.get(one)), self._values.get(one)) for one in event["inputs"]
        ]


class Visitor(threading.Thread):
    """One browser session: mostly chats, sometimes stops, drags the scale or opens a tab."""

    def __init__(self, number: int, page: Page, end: float, seen: Seen) -> None:
        super().__init__(name=f"visitor-{number}", daemon=True)
        self._number, self._page, self._end, self._seen = number, page, end, seen
        self._session = uuid.uuid4().hex
        self._chance = random.Random(number)
        self._client = httpx.Client(base_url=f"{page.address}{API}", timeout=180)

    def run(self) -> None:
        """Until the time is over; an error is noted, and the visitor goes on."""
        kinds = (self._chat, self._chat, self._stop, self._drag, self._open)
        while time.monotonic() < self._end:
            try:
                self._chance.choice(kinds)()
            except Exception as error:
                self._seen.errors.append(f"{type(error).__name__}: {error}")
            time.sleep(self._chance.uniform(0.5, 3.0))

    def _chat(self) -> None:
        for _ in self._pieces():
            pass

    def _stop(self) -> None:
        pieces = self._pieces()
        for _, event_id in pieces:
            run = self._page.event("Run", "click", queued=True)["id"]
            cancel = {"session_hash": self._session, "fn_index": run, "event_id": event_id}
            self._client.post("/cancel", json=cancel).raise_for_status()
            break
        pieces.close()
        self._seen.stopped += 1

    def _drag(self) -> None:
        self._quick("Steering scale", "change", **{"Steering scale": self._chance.uniform(-3, 6)})

    def _open(self) -> None:
        tab = self._chance.choice(("Where it lives", "What moved", "How it learned"))
        self._quick(tab, "select")

    def _quick(self, name: str, kind: str, **changed: Any) -> None:
        event = self._page.event(name, kind, queued=False)
        start = time.perf_counter()
        asked = {
            "data": self._page.data(event, **changed),
            "fn_index": event["id"],
            "session_hash": self._session,
        }
        self._client.post("/run/predict", json=asked).raise_for_status()
        self._seen.quick.append(time.perf_counter() - start)

    def _pieces(self) -> Generator[tuple[list[Any], str]]:
        """Outputs as they grow, and the event's id."""
        message = f"visitor {self._number} asks: {self._chance.choice(TOPICS)}"
        event = self._page.event("Run", "click", queued=True)
        asked = {
            "data": self._page.data(event, **{"Your message": message}),
            "fn_index": event["id"],
            "session_hash": self._session,
        }
        start = time.perf_counter()
        event_id = (
            self._client.post("/queue/join", json=asked).raise_for_status().json()["event_id"]
        )
        self._seen.runs += 1
        outputs: list[Any] = []
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
            yield outputs, event_id
        self._check(outputs)

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
        if message["msg"] == "estimation" and message.get("rank", 0) > 0:
            self._seen.waited += 1
            self._seen.told += message.get("rank_eta") is not None
        if message["msg"] == "process_completed" and not message["success"]:
            self._seen.errors.append(f"run failed: {message['output']}")

    def _check(self, outputs: list[Any]) -> None:
        asked_by = set(TAG.findall(str(outputs)))
        if asked_by != {str(self._number)}:
            self._seen.errors.append(f"visitor {self._number} saw messages of {sorted(asked_by)}")


@contextmanager
def opened(run: Path | None) -> Iterator[tuple[str, psutil.Process]]:
    """The app in a process of its own, with the model ready."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    chosen = {"PHOQUE_RUN": str(run)} if run else {}
    process = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=os.environ | {"GRADIO_SERVER_PORT": str(port)} | chosen,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            if _answers(address):
                break
            time.sleep(1)
        yield address, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(60)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/config", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def share(values: list[float], part: float) -> float:
    """A quantile of what was measured; 0 of nothing."""
    ordered = sorted(values) or [0.0]
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def main() -> None:
    """Open the page, send visitors, print and keep what they saw."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("--visitors", type=int, default=20)
    asked.add_argument("--minutes", type=float, default=10.0)
    asked.add_argument("--run", type=Path)
    given = asked.parse_args()
    watch, seen = Watch("load"), Seen()
    with opened(given.run) as (address, server):
        page = Page(address)
        Visitor(-1, page, 0.0, Seen())._chat()  # the model is open when this ends
        start = time.monotonic()
        end = start + 60 * given.minutes
        visitors = [Visitor(number, page, end, seen) for number in range(given.visitors)]
        for visitor in visitors:
            visitor.start()
        time.sleep(WARM_UP * 60 * given.minutes)
        before = server.memory_info().rss
        for visitor in visitors:
            visitor.join()
        growth = server.memory_info().rss / before - 1
    found = {
        "visitors": given.visitors,
        "minutes": given.minutes,
        "runs": seen.runs,
        "stopped": seen.stopped,
        "errors": len(seen.errors),
        "quick": len(seen.quick),
        "quick p50 ms": round(1e3 * share(seen.quick, 0.5)),
        "quick p95 ms": round(1e3 * share(seen.quick, 0.95)),
        "first piece p50 s": round(share(seen.first, 0.5), 2),
        "first piece p95 s": round(share(seen.first, 0.95), 2),
        "waited": seen.waited,
        "told": seen.told,
        "memory growth": round(growth, 3),
    }
    print(*dict.fromkeys(seen.errors), sep="\n")
    watch.record(found)


if __name__ == "__main__":
    main()
