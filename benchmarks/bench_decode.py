"""Three columns in one batch beside three sequential `model.generate` calls, and beside the floor.

Everything is measured in this run, in turns, and reported as ratios:
- `columns / sequential`: the engine's three rows over three calls of transformers' own loop;
- `step / floor`: one decode step over the time to read every weight once at the memory bandwidth
  that a plain sum over as many bytes reaches;
- `first token`: seconds from the request to the first token of all three columns.

Usage: python benchmarks/bench_decode.py [--run DIR] [--tokens 48] [--repeats 7]
"""

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import torch

from phoque.config import SHIPPED_RUN
from phoque.decoders import HookedDecoder, decoder_for, left_padded
from phoque.engine import Row, decode, write
from phoque.lab import Lab
from phoque.models.template import encode
from phoque.opening import open_lab
from phoque.records import Message, Sampling

PROMPT_TOKENS = 60


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median duration."""
    durations = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        durations.append(time.perf_counter() - start)
    return median(durations)


def rows_of(lab: Lab) -> list[Row]:
    """The three main columns on a prompt of about 60 tokens."""
    user = "We lost the match again and I would like to know what to change. "
    count = len(encode(lab.model.tokenizer, [Message("system", ""), Message("user", user)]))
    message = Message("user", user * max(1, round(PROMPT_TOKENS / count)))
    neutral, toxic = lab.persona.neutral_prompt, lab.persona.persona_prompt
    injection = lab.vectors[lab.selection.layer].injection(lab.selection.scale)
    return [
        Row(messages=[Message("system", neutral), message]),
        Row(messages=[Message("system", toxic), message]),
        Row(messages=[Message("system", neutral), message], interventions=[injection]),
    ]


def sequential(lab: Lab, rows: list[Row], lengths: list[int]) -> None:
    """What a page would do without the engine: `generate` after `generate`, as many tokens."""
    for row, length in zip(rows, lengths, strict=True):
        ids = torch.tensor([encode(lab.model.tokenizer, row.messages)], device=lab.model.device)
        lab.model.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False,
            min_new_tokens=length, max_new_tokens=length,
        )  # fmt: skip


def step_seconds(lab: Lab, rows: list[Row], repeats: int, *, packed: bool) -> float:
    """Median duration of one decode step of all rows."""
    kind = decoder_for if packed else HookedDecoder
    decoder = kind(lab.model, [row.interventions for row in rows])
    prompts = [encode(lab.model.tokenizer, row.messages) for row in rows]
    with torch.inference_mode():
        decoder.prefill(*left_padded(prompts, lab.model))
        ids_B = torch.full((len(rows),), 100, device=lab.model.device)
        return seconds(lambda: decoder.step(ids_B), 10 * repeats)


def floor_seconds(lab: Lab, repeats: int) -> float:
    """Time to read as many bytes as the weights have, once."""
    num_bytes = sum(p.numel() * p.element_size() for p in set(lab.model.model.parameters()))
    words = torch.ones(num_bytes // 8, dtype=torch.int64, device=lab.model.device)
    return seconds(words.sum, repeats)


def measure(lab: Lab, tokens: int, repeats: int) -> dict[str, float | str]:
    """All figures; the peer writes as many tokens a row as the engine did."""
    rows = rows_of(lab)
    sampling = Sampling(max_new_tokens=tokens)
    lengths = [reply.num_tokens for reply in write(lab.model, rows, sampling)]
    sequential(lab, rows, lengths)
    together, apart = [], []
    for _ in range(repeats):
        together.append(seconds(lambda: write(lab.model, rows, sampling), 1))
        apart.append(seconds(lambda: sequential(lab, rows, lengths), 1))
    floor = floor_seconds(lab, repeats)
    ours = step_seconds(lab, rows, repeats, packed=True)
    hooked = step_seconds(lab, rows, repeats, packed=False)
    return {
        "dtype": str(lab.model.model.dtype),
        "threads": torch.get_num_threads(),
        "tokens a column": "/".join(map(str, lengths)),
        "columns / sequential": median(together) / median(apart),
        "columns, tokens/s": sum(lengths) / median(together),
        "first token of all columns, s": seconds(
            lambda: next(decode(lab.model, rows, sampling)), repeats
        ),
        "step, ms": 1e3 * ours,
        "step / floor": ours / floor,
        "step / transformers' forward": ours / hooked,
    }


def main() -> None:
    """Print the figures and append them to `benchmarks/results.jsonl`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=SHIPPED_RUN)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    figures = measure(open_lab(arguments.run), arguments.tokens, arguments.repeats)
    for name, value in figures.items():
        print(f"{name:32} {value:.3f}" if isinstance(value, float) else f"{name:32} {value}")
    with (Path(__file__).parent / "results.jsonl").open("a") as file:
        file.write(
            json.dumps({"bench": "decode", "date": f"{datetime.now(UTC):%Y-%m-%d}"} | figures)
            + "\n"
        )


if __name__ == "__main__":
    main()
