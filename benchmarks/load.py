"""Let visitors chat, drag, open tabs and stop at the same time, on the real page with the real model.

Each visitor is a client of the page's own queue, with a session of its own. Who has said enough leaves, and
somebody new comes. Before the first one, every part of the page that is loaded late is used once. Reported:
- `errors`: events that failed, and answers that hold another visitor's message;
- `quick p50/p95 ms`: everything but generation, as the client waits for it;
- `stop p50/p95 ms`: from Stop to the end of the run;
- `first piece p50/p95 s`: from Run to the first text, the waiting in line included;
- `told`: runs that were told their place in the line and the time until their turn;
- `memory, MB`: of the server's process before the visitors, then ten times while they are there;
- `memory growth`: from the end of the warm-up, and from the middle, to the end. Where the second is about
  zero the memory has reached its plateau; where it is half of the first, it grows on.

Usage: python benchmarks/load.py [--visitors 20] [--minutes 10] [--run DIR]
"""

import argparse
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from machine import Watch
from visitors import Page, Seen, Visitor

ROOT = Path(__file__).parent.parent
LOOKS, WARM_UP = 10, 2
"""How often memory is looked at while visitors are there, and how many of these times are the warm-up."""


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


def megabytes(process: psutil.Process) -> int:
    """What a process and those it started hold in memory."""
    every = (process, *process.children(recursive=True))
    return sum(one.memory_info().rss for one in every) // 2**20


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
        Visitor(-1, page, 0.0, Seen()).tour()
        memory = [megabytes(server)]
        start, seconds = time.monotonic(), 60 * given.minutes
        visitors = [Visitor(one, page, start + seconds, seen) for one in range(given.visitors)]
        for visitor in visitors:
            visitor.start()
        for look in range(1, LOOKS + 1):
            time.sleep(max(0.0, start + look * seconds / LOOKS - time.monotonic()))
            memory.append(megabytes(server))
        for visitor in visitors:
            visitor.join()
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
        "stop p50 ms": round(1e3 * share(seen.ended, 0.5)),
        "stop p95 ms": round(1e3 * share(seen.ended, 0.95)),
        "told": seen.told,
        "memory, MB": ", ".join(map(str, memory)),
        "memory growth": round(memory[-1] / memory[WARM_UP] - 1, 3),
        "memory growth, second half": round(memory[-1] / memory[LOOKS // 2] - 1, 3),
    }
    print(*dict.fromkeys(seen.errors), sep="\n")
    watch.record(found)


if __name__ == "__main__":
    main()
