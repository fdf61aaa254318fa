"""Time many clients of the chat API at once, beside the same requests one after the other.

Everything is measured in one run, over a real port, with OpenAI's client:
- `together / in turn`: seconds for all requests, asked at once over asked one by one;
- `equal`: requests whose text is the same either way; in bf16 another batch can tip a near tie;
- `swapped`: requests whose text at once is some other request's text in turn, and not their own.

Usage: python benchmarks/bench_serve.py [--run DIR] [--clients 32] [--tokens 48] [--rows 16]
       [--fp32]
"""

import argparse
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
import uvicorn
from machine import Watch
from openai import OpenAI

from phoque.config import SHIPPED_RUN, ServingSettings
from phoque.opening import open_lab
from phoque.serving.api import ChatAPI
from phoque.serving.asked import MODELS
from phoque.serving.server import configured

TOKEN = "the-token-of-this-benchmark"
PORT = 8765
TOPICS = ("jungle", "support", "aim", "draft", "map", "last round", "team talk", "economy")


def ask(client: OpenAI, place: int, tokens: int) -> str:
    """The question of client number `place`; all differ."""
    topic = TOPICS[place % len(TOPICS)]
    reply = client.chat.completions.create(
        model=list(MODELS)[place % len(MODELS)],
        messages=[{"role": "user", "content": f"Game {place}: what was wrong with my {topic}?"}],
        seed=place,
        temperature=0.7 if place % 2 else 0.0,
        max_tokens=tokens,
    )
    return str(reply.choices[0].message.content)


def measured(client: OpenAI, clients: int, tokens: int) -> dict[str, object]:
    """All requests in turn, then all at once."""
    start = time.perf_counter()
    alone = [ask(client, place, tokens) for place in range(clients)]
    in_turn = time.perf_counter() - start
    barrier = threading.Barrier(clients)

    def at_once(place: int) -> str:
        barrier.wait()
        return ask(client, place, tokens)

    start = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        together = list(pool.map(at_once, range(clients)))
    seconds = time.perf_counter() - start
    pairs = list(zip(together, alone, strict=True))
    return {
        "clients": clients,
        "tokens": tokens,
        "in_turn_seconds": round(in_turn, 1),
        "together_seconds": round(seconds, 1),
        "together / in turn": round(seconds / in_turn, 3),
        "equal": sum(a == b for a, b in pairs),
        "distinct": len(set(alone)),
        "swapped": sum(a != b and a in alone for a, b in pairs),
    }


def main() -> None:
    """Serve, measure, print one line of JSON and keep it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=SHIPPED_RUN)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--rows", type=int, default=16, help="at 1 each request runs alone")
    parser.add_argument("--fp32", action="store_true", help="no near ties, at twice the time")
    asked = parser.parse_args()
    watch = Watch("serve")
    lab = open_lab(asked.run, dtype=torch.float32 if asked.fp32 else None)
    lab.warm_up()
    settings = ServingSettings(tokens=(TOKEN,), requests_per_minute=10_000, most_rows=asked.rows)
    api = ChatAPI(lambda: lab, settings)
    server = uvicorn.Server(configured(api, "127.0.0.1", PORT))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    with OpenAI(base_url=f"http://127.0.0.1:{PORT}/v1", api_key=TOKEN, max_retries=0) as client:
        found = measured(client, asked.clients, asked.tokens)
    server.should_exit = True
    api.close()
    about = {
        "run": lab.info.run,
        "decodes with": lab.info.decodes_with,
        "device": str(lab.model.device),
        "rows": settings.most_rows,
    }
    watch.record(about | found)


if __name__ == "__main__":
    main()
