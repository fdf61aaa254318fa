"""The pressure test: seconds for recorded messages, memory along the traffic, use of a rate limit.

Recorded messages go through a policy of two embedded moderators, every text new to them at the start.
Memory is measured for a short and a ten times longer channel. The rate limit is that of a service on this
machine which answers after a while, as services do.

Usage: python benchmarks/bench_pressure.py [--messages 10000] [--per-second 50] [--requests 500]
"""

import argparse
import json
import threading
import time
import tracemalloc
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from machine import Watch

from phoque.config import SHIPPED_RUN
from phoque.moderators.classifier import Item
from phoque.moderators.disk import DiskCache
from phoque.moderators.endpoint.description import Description
from phoque.moderators.endpoint.request import ready
from phoque.moderators.endpoint.service import Service
from phoque.moderators.scoring import score
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
    """Answers after a while."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer a request."""
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(LATENCY)
        data = b'{"score": 0.1}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def rate_used(per_second: float, requests: int) -> float:
    """Share of a service's rate limit that is used."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    description = Description.model_validate(
        {
            "name": "slow",
            "url": f"http://127.0.0.1:{server.server_port}/",
            "body": {"text": "${text}"},
            "answer": {"score": "score"},
            "requests_per_second": per_second,
            "at_once": 16,
        }
    )
    try:
        with TemporaryDirectory() as folder:
            service = Service(ready(description), DiskCache(Path(folder) / "scores.sqlite"))
            start = time.perf_counter()
            score(service, [Item(f"message {place}") for place in range(requests)])
            return requests / (time.perf_counter() - start) / per_second
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def main() -> None:
    """Print the figures and append them to `benchmarks/results.jsonl`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--per-second", type=float, default=50.0)
    parser.add_argument("--requests", type=int, default=500)
    arguments = parser.parse_args()
    watch = Watch("pressure")
    seconds, texts = seconds_for(arguments.messages)
    watch.record(
        {
            f"{arguments.messages} messages, two embedded moderators, s": seconds,
            "different texts among them": texts,
            f"memory, {SHORT} messages, MB": peak_for(SHORT),
            f"memory, {LONG} messages, MB": peak_for(LONG),
            f"share used of {arguments.per_second:g} requests a second": rate_used(
                arguments.per_second, arguments.requests
            ),
        }
    )


if __name__ == "__main__":
    main()
