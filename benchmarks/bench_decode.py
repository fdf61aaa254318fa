"""Time three columns in one batch: beside transformers, the memory floor and a busy process.

Everything is measured in turns in one run. The floor is the time to read every weight once at the
bandwidth of a plain sum, in fp32 and in the bytes that the fast pass holds.

- `columns / generate`: the engine's three rows over three calls of transformers' own loop, with the
  same weights, dtype and number of tokens;
- `step`: one decode step, also beside a process that loops and one that multiplies matrices;
- `first token`, `reply`: seconds until all columns have their first token, and their last of 48;
- `second turn`: the first token of a second message to a long conversation, with and without memory;
- `eight visitors`: all press at once; seconds until the last one has its first token, and its last.

Usage: python benchmarks/bench_decode.py [--run DIR] [--tokens 48] [--repeats 5]
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import torch
from machine import Figures, Watch, bandwidth, seconds

from phoque.config import SHIPPED_RUN
from phoque.conversation import Message, Sampling
from phoque.lab import Lab
from phoque.models.decoders import HookedDecoder, decoder_for, left_padded
from phoque.models.engine import Row, decode
from phoque.models.packed.layout import Layout
from phoque.models.template import encode
from phoque.opening import open_lab
from phoque.serving.worker import Worker

PROMPT_TOKENS = 60
VISITORS = 8
LOOPS = "while True: pass"
MULTIPLIES = """
import torch
torch.set_num_threads(1)
a = torch.randn(1500, 1500)
while True: a @ a
"""


def typical(work: Callable[[], object], repeats: int) -> float:
    """Median duration."""
    return median(seconds(work) for _ in range(repeats))


@contextmanager
def beside(program: str) -> Iterator[None]:
    """Within the context, another process takes a core."""
    process = subprocess.Popen([sys.executable, "-c", program])
    time.sleep(3.0)  # until it has loaded its libraries and two steps were slow
    try:
        yield
    finally:
        process.kill()
        process.wait()


def rows_of(lab: Lab, number: int = 0, turns: int = 0) -> list[Row]:
    """The three main columns on a prompt of about 60 tokens."""
    user = "We lost the match again and I would like to know what to change. "
    count = len(encode(lab.model.tokenizer, [Message("system", ""), Message("user", user)]))
    text = f"{number} " * (number > 0) + user * max(1, round(PROMPT_TOKENS / count))
    message = Message("user", text)
    earlier = [message, Message("assistant", text)] * turns
    neutral, toxic = lab.persona.neutral_prompt, lab.persona.persona_prompt
    injection = lab.vectors[lab.selection.layer].injection(lab.selection.scale)
    return [
        Row(messages=[Message("system", neutral), *earlier, message]),
        Row(messages=[Message("system", toxic), *earlier, message]),
        Row(messages=[Message("system", neutral), *earlier, message], interventions=[injection]),
    ]


def sequential(lab: Lab, rows: list[Row], tokens: int) -> None:
    """The same columns without the engine: three calls of `generate`."""
    for row in rows:
        ids = torch.tensor([encode(lab.model.tokenizer, row.messages)], device=lab.model.device)
        lab.model.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False,
            min_new_tokens=tokens, max_new_tokens=tokens,
        )  # fmt: skip


def written(lab: Lab, rows: list[Row], tokens: int) -> None:
    """Our columns, which ignore end tokens so that both sides write equally much."""
    decoder = decoder_for(lab.model, [row.interventions for row in rows])
    prompts = [encode(lab.model.tokenizer, row.messages) for row in rows]
    with torch.inference_mode():
        logits_BV = decoder.prefill(*left_padded(prompts, lab.model))[:, -1]
        for _ in range(tokens - 1):
            logits_BV = decoder.step(logits_BV.argmax(-1))


def step_seconds(lab: Lab, rows: list[Row], repeats: int, *, hooked: bool = False) -> float:
    """Median duration of one decode step of all rows."""
    kind = HookedDecoder if hooked else decoder_for
    decoder = kind(lab.model, [row.interventions for row in rows])
    prompts = [encode(lab.model.tokenizer, row.messages) for row in rows]
    with torch.inference_mode():
        decoder.prefill(*left_padded(prompts, lab.model))
        ids_B = torch.full((len(rows),), 100, device=lab.model.device)
        for _ in range(6):  # the numbers of threads are tried
            decoder.step(ids_B)
        return typical(lambda: decoder.step(ids_B), 10 * repeats)


def floors(lab: Lab) -> Figures:
    """Seconds to read all weights once, in fp32 and as the fast pass holds them."""
    numbers = sum(p.numel() for p in set(lab.model.model.parameters()))
    packed = lab.model.packed
    held = 2 if packed and packed.layout is Layout.HALF else lab.model.model.dtype.itemsize
    speed = bandwidth()
    return {"floor fp32, ms": 4e3 * numbers / speed, "floor held, ms": 1e3 * held * numbers / speed}


def steps(lab: Lab, repeats: int) -> Figures:
    """Steps on an idle machine and beside other processes."""
    rows = rows_of(lab)
    idle, floor = step_seconds(lab, rows, repeats), floors(lab)
    hooked = step_seconds(lab, rows, 1, hooked=True)
    found: Figures = {"step, ms": 1e3 * idle, **floor}
    found |= {f"step / {name.removesuffix(', ms')}": 1e3 * idle / ms for name, ms in floor.items()}
    found["step / transformers' forward"] = idle / hooked
    for name, program in {"loops": LOOPS, "multiplies": MULTIPLIES}.items():
        with beside(program):
            found[f"step beside one that {name} / idle"] = step_seconds(lab, rows, repeats) / idle
    return found


def replies(lab: Lab, tokens: int, repeats: int) -> Figures:
    """Complete replies, ours and transformers' in turns."""
    rows, pairs = rows_of(lab), []
    endless = Sampling(max_new_tokens=tokens)
    written(lab, rows, tokens), sequential(lab, rows, 4)
    for _ in range(max(3, repeats // 2)):
        ours = seconds(lambda: written(lab, rows, tokens))
        pairs.append((ours, seconds(lambda: sequential(lab, rows, tokens))))
    return {
        "columns / generate": median(ours / theirs for ours, theirs in pairs),
        "reply, s": median(ours for ours, _ in pairs),
        "first token, s": typical(lambda: next(decode(lab.model, rows, endless)), repeats),
    }


def second_turn(lab: Lab, repeats: int) -> Figures:
    """Seconds to the first token of the last message of a long conversation, with and without memory."""
    rows, one = rows_of(lab, turns=4), Sampling(max_new_tokens=1)
    list(decode(lab.model, rows, one, owner="visitor"))
    kept = typical(lambda: list(decode(lab.model, rows, one, owner="visitor")), repeats)
    whole = typical(lambda: list(decode(lab.model, rows, one)), repeats)
    return {"second turn, first token, s": kept, "the same read whole, s": whole}


def visitors(lab: Lab, tokens: int) -> Figures:
    """Eight requests at once through the worker that serves the page."""
    worker, sampling = Worker(most_rows=32, most_waiting=32), Sampling(max_new_tokens=tokens)
    start = time.perf_counter()

    def visit(number: int) -> tuple[float, float]:
        pieces = worker.decode(lab.model, rows_of(lab, number + 1), sampling)
        next(pieces)
        first = time.perf_counter() - start
        for _ in pieces:
            pass
        return first, time.perf_counter() - start

    with ThreadPoolExecutor(VISITORS) as pool:
        firsts, ends = zip(*pool.map(visit, range(VISITORS)), strict=True)
    worker.close()
    return {"eight visitors, last first token, s": max(firsts), "eight visitors, end, s": max(ends)}


def main() -> None:
    """Print the figures and append them to `benchmarks/results.jsonl`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=SHIPPED_RUN)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    watch = Watch("decode")
    lab = open_lab(asked.run)
    lab.warm_up()
    figures: Figures = {"decodes with": lab.info.decodes_with, "tokens a column": asked.tokens}
    figures |= steps(lab, asked.repeats)
    figures |= replies(lab, asked.tokens, asked.repeats)
    figures |= second_turn(lab, asked.repeats)
    figures |= visitors(lab, asked.tokens)
    watch.record(figures)


if __name__ == "__main__":
    main()
