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

TRAINER = 6
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


def in_order(rows: Sequence[Row], config: AdapterConfig) -> list[Row]:
    """Examples of all epochs as they are learned: a step has some of like length.

    The seed alone decides, so that a training that goes on, or has more processes, has the same.
    """
    chance = torch.Generator().manual_seed(config.seed)
    lengths = [len(row["input_ids"]) for row in rows]
    step = config.batch_size * config.accumulation_steps
    order: list[int] = []
    left: list[int] = []
    for _ in range(math.ceil(config.epochs)):
        # What does not fill a step is learned at the beginning of the next epoch.
        epoch = left + torch.randperm(len(rows), generator=chance).tolist()
        full = len(epoch) - len(epoch) % step
        order += _in_steps(epoch[:full], lengths, step, chance)
        left = epoch[full:]
    return [rows[place] for place in (order + left)[: math.ceil(config.epochs * len(rows))]]


def _in_steps(
    epoch: list[int], lengths: Sequence[int], step: int, chance: torch.Generator
) -> list[int]:
    """The same in steps of like length, which follow each other in random order.

    Length tells the kind of text: steps in order of length would teach one kind for a while, then
    the next, and forget the first meanwhile.
    """
    ordered: list[int] = []
    for start in range(0, len(epoch), POOL * step):
        pool = sorted(epoch[start : start + POOL * step], key=lambda place: -lengths[place])
        for place in torch.randperm(len(pool) // step, generator=chance).tolist():
            ordered += pool[place * step : (place + 1) * step]
    return ordered


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
