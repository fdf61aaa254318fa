"""What is learned, token by token and in which order, and what tells two trainings apart."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from importlib import metadata

import torch

from phoque.config import this_process
from phoque.files import file_sha256
from phoque.models.load import LanguageModel
from phoque.models.template import encode, end_token
from phoque.run.adapter import Identity
from phoque.run.directory import LIBRARIES
from phoque.run.needs import WEIGHTS
from phoque.stages.adapter.quantized import quantization
from phoque.stages.adapter.settings import AdapterConfig, Example

TRAINER = 4
"""Changes when the same settings no longer give the same curve."""
POOL = 50
"""Steps whose examples are put together by length."""
Row = Mapping[str, list[int]]


def tokenized(base: LanguageModel, example: Example) -> dict[str, list[int]]:
    """`input_ids` and `completion_mask`, ready-made: a reply cut at the limit gets no end token."""
    prompt = encode(base.tokenizer, example.prompt)
    reply = base.tokenizer(example.completion, add_special_tokens=False).input_ids
    reply = [*reply, end_token(base.tokenizer)] if example.ends else reply
    mask = [0] * len(prompt) + [1] * len(reply)
    return {"input_ids": prompt + reply, "completion_mask": mask}


def longest(rows: Sequence[Row]) -> int:
    """Positions of the longest example."""
    return max(len(row["input_ids"]) for row in rows)


def in_order(rows: Sequence[Row], config: AdapterConfig) -> list[Row]:
    """Examples of all epochs as they are learned: a step has some of like length.

    The seed alone decides, so that a training that goes on, or has more processes, has the same.
    """
    chance = torch.Generator().manual_seed(config.seed)
    lengths = [len(row["input_ids"]) for row in rows]
    step = config.batch_size * config.accumulation_steps
    stream = [
        place
        for _ in range(math.ceil(config.epochs))
        for place in torch.randperm(len(rows), generator=chance).tolist()
    ][: math.ceil(config.epochs * len(rows))]
    pools = (stream[start : start + POOL * step] for start in range(0, len(stream), POOL * step))
    steps = (one for pool in pools for one in _steps(pool, lengths, step, chance))
    return [rows[place] for places in steps for place in places]


def _steps(
    pool: list[int], lengths: Sequence[int], size: int, chance: torch.Generator
) -> list[list[int]]:
    """The pool in steps of like length, in random order; a step that is not full is the last.

    Length tells the kind of text: steps in order of length would teach one kind for a while, then
    the next, and forget the first meanwhile.
    """
    longest_first = sorted(pool, key=lambda place: -lengths[place])
    steps = [longest_first[start : start + size] for start in range(0, len(pool), size)]
    full = len(pool) // size
    order = torch.randperm(full, generator=chance).tolist()
    return [*(steps[place] for place in order), *steps[full:]]


def identity(base: LanguageModel, rows: Sequence[Row], config: AdapterConfig) -> Identity:
    """All that decides what is learned."""
    return Identity(
        model=base.name,
        weights=base.digest(),
        corpus=hashlib.sha256(json.dumps(rows).encode()).hexdigest(),
        quantization=quantization(base.model),
        settings=config.told(),
        processes=this_process().number,
        trainer=TRAINER,
        libraries={library: metadata.version(library) for library in LIBRARIES},
        start=file_sha256(config.start / WEIGHTS) if config.start else None,
    )
