"""The pressure test: seconds for recorded messages, memory along the traffic, use of a rate limit.

Recorded messages go through a policy of two embedded moderators, every text new to them at the start.
Memory is measured for a short and a ten times longer channel. The rate limit is that of a service on this
machine which answers after a while, as services do, from the first request of a test to the last.

Usage: python benchmarks/bench_pressure.py [--messages 10000] [--per-second 50] [--asked 600]
"""

import argparse
import json
import os
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar
from zlib import crc32

from machine import Watch

from phoque.config import SHIPPED_RUN
from phoque.stages.pressure.stage import Asked, prepared, press

LATENCY = 0.1
"""Seconds a service takes."""
SHORT, LONG = 2_000, 20_000
"""Messages of the two channels whose memory is compared."""


def seconds_for(messages: int) -> tuple[float, int]:
    """Seconds of a whole report of one seed, moderators loaded before; and different texts it scored."""
    asked = Asked(policies=("words",), runs=(SHIPPED_RUN,), seeds=(1,), messages=messages)
    made = prepared(asked)
    # What is read once, such as word lists, is no matter of the messages.
    made.deciders[0].prepare([made.deciders[0].item("warm up", ())])
    with TemporaryDirectory() as folder:
        start = time.perf_counter()
        press(asked, made, Path(folder))
        seconds = time.perf_counter() - start
        lines = (Path(folder) / "trace.jsonl").read_text(encoding="utf-8").splitlines()
    return seconds, len({json.loads(line)["text_id"] for line in lines})


def peak_for(messages: int) -> float:
    """Highest memory while a channel runs, in MB, with everything loaded and known before."""
    asked = Asked(policies=("words",), runs=(SHIPPED_RUN,), seeds=(1,), messages=messages)
    made = prepared(asked)
    with TemporaryDirectory() as folder:
        press(asked, made, Path(folder))
        tracemalloc.start()
        press(asked, made, Path(folder))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak / 1e6


class Slow(BaseHTTPRequestHandler):
    """Answers after a while, and notes when it was asked; flags half of all texts, so that people are muted."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[float]] = []

    def do_POST(self) -> None:
        """Answer a request."""
        self.asked.append(time.monotonic())
        said = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(LATENCY)
        data = b'{"score": 0.9}' if crc32(said) % 2 else b'{"score": 0.1}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def slow_service() -> Iterator[str]:
    """Address of a service on this machine that takes its time."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def rate_used(per_second: float, messages: int) -> float:
    """Share of a service's rate limit that a whole pressure test uses, mutes and all."""
    Slow.asked.clear()
    with slow_service() as url, TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["PHOQUE_CACHE"] = str(folder / "cache")  # nothing is known from before
        described = {"name": "slow", "url": url, "body": {"text": "${text}"}}
        pace = {"requests_per_second": per_second, "at_once": 16}
        settings = described | pace | {"answer": {"score": "score"}}
        (folder / "slow.yaml").write_text(json.dumps(settings), encoding="utf-8")
        policy = {"name": "slow", "moderators": [{"endpoint": "slow.yaml"}]}
        (folder / "policy.yaml").write_text(json.dumps(policy), encoding="utf-8")
        asked = Asked(
            policies=(str(folder / "policy.yaml"),), runs=(SHIPPED_RUN,), messages=messages
        )
        press(asked, prepared(asked), folder)
    times = sorted(Slow.asked)
    return (len(times) - 1) / (times[-1] - times[0]) / per_second


def main() -> None:
    """Print the figures and append them to `benchmarks/results.jsonl`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--per-second", type=float, default=50.0)
    parser.add_argument("--asked", type=int, default=600, help="messages a seed to the service")
    arguments = parser.parse_args()
    watch = Watch("pressure")
    seconds, texts = seconds_for(arguments.messages)
    watch.record(
        {
            f"{arguments.messages} messages, two embedded moderators, s": seconds,
            "different texts among them": texts,
            f"memory, {SHORT} messages, MB": peak_for(SHORT),
            f"memory, {LONG} messages, MB": peak_for(LONG),
            f"share used of {arguments.per_second:g} requests a second, whole test": rate_used(
                arguments.per_second, arguments.asked
            ),
        }
    )


if __name__ == "__main__":
    main()
