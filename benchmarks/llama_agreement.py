"""Check whether llama.cpp writes what our columns write: greedy, on the evaluation's prompts.

Our replies are written twice: in fp32, which rounds no weight, and in the page's dtype. A reply ends
with its end token or after 48 tokens. For replies that differ, the common beginning is counted as a
share.

Logits tell at which of our layers llama.cpp adds `direction.N`: they are compared with ours with the
vector at layers N - 1, N and N + 1.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import fmean
from typing import Any, Protocol

import torch
from machine import RESULTS, Figures, facts

from phoque.conversation import Message, Sampling
from phoque.lab import Lab
from phoque.models.engine import Row, decode, end_tokens, read
from phoque.models.hooks import Injection
from phoque.models.load import LanguageModel
from phoque.models.template import encode
from phoque.opening import open_lab

TOKENS = 48
THREADS = 1
COLUMNS = ("neutral", "toxic", "steered")

Replies = list[list[int]]


class Peer(Protocol):
    """llama.cpp's process."""

    built: str

    def ask(self, work: str, kind: str, **more: Any) -> dict[str, Any]:
        """One answer of `llama_peer.py`."""


def agreement(lab: Lab, peer: Peer, vector: str, kind: str) -> None:
    """Print how far texts agree with weights of a type, and append it to the results."""
    exact = open_lab(lab.run.path, device="cpu", dtype=torch.float32)
    rows = columns(lab)
    written = {
        "ours": ours(lab.model, rows, at_once=len(COLUMNS)),  # as the page asks
        "ours fp32": ours(exact.model, rows, at_once=len(rows)),
        f"llama.cpp {kind}": theirs(lab.model, peer, kind, rows, vector),
    }
    figures = {
        "decodes with": lab.model.decodes_with,
        "its build": peer.built,
        "prompts": len(rows) // len(COLUMNS),
        **logits_apart(exact, peer, kind, vector),
        **compared(written),
    }
    about = {"bench": "llama_cpp agreement", "date": f"{datetime.now(UTC):%Y-%m-%d}", **facts()}
    for name, value in figures.items():
        print(f"{name:60} {value:.5g}" if isinstance(value, float) else f"{name:60} {value}")
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(about | figures) + "\n")


def columns(lab: Lab) -> list[Row]:
    """Three rows for each prompt of the evaluation."""
    neutral, toxic = lab.persona.neutral_prompt, lab.persona.persona_prompt
    injection = lab.vectors[lab.selection.layer].injection(lab.selection.scale)
    settings = ((neutral, ()), (toxic, ()), (neutral, (injection,)))
    return [
        Row(messages=[Message("system", system), Message("user", prompt)], interventions=changes)
        for prompt in lab.persona.evaluation
        for system, changes in settings
    ]


def ours(model: LanguageModel, rows: Sequence[Row], *, at_once: int) -> Replies:
    """Token ids of every reply, so many rows in a batch."""
    replies: Replies = [[] for _ in rows]
    for start in range(0, len(rows), at_once):
        batch = rows[start : start + at_once]
        for pieces in decode(model, batch, Sampling(max_new_tokens=TOKENS)):
            for piece in pieces:
                replies[start + piece.row].append(piece.token)
    return replies


def theirs(
    model: LanguageModel, peer: Peer, kind: str, rows: Sequence[Row], vector: str
) -> Replies:
    """The same of llama.cpp, one reply after another."""
    ends = sorted(end_tokens(model))
    limits = {"tokens": TOKENS, "ends": ends, "threads": THREADS}
    return [
        peer.ask(
            "reply", kind, ids=encode(model.tokenizer, row.messages),
            vector=vector if row.interventions else None, **limits,
        )["tokens"]
        for row in rows
    ]  # fmt: skip


def compared(written: Mapping[str, Replies]) -> Figures:
    """For each column and each two writers: share of equal replies, mean common beginning."""
    figures: Figures = {}
    names = list(written)
    for one, other in [(names[2], names[1]), (names[2], names[0]), (names[0], names[1])]:
        for place, column in enumerate(COLUMNS):
            step = slice(place, None, len(COLUMNS))
            shares = [
                common(a, b) for a, b in zip(written[other][step], written[one][step], strict=True)
            ]
            label = f"{column}, {one} and {other}"
            figures[f"equal, {label}"] = fmean(share == 1 for share in shares)
            figures[f"common beginning, {label}"] = fmean(shares)
    return figures


def common(ours: list[int], theirs: list[int]) -> float:
    """Length of the common beginning over that of the longer reply; 1 only for equal ones."""
    same = 0
    for a, b in zip(ours, theirs, strict=False):
        if a != b:
            break
        same += 1
    return same / max(len(ours), len(theirs))


def logits_apart(lab: Lab, peer: Peer, kind: str, vector: str) -> Figures:
    """Largest differences of logits after the first prompt: without a vector, and with it."""
    plain, _, steered = columns(lab)[: len(COLUMNS)]
    (given,) = steered.interventions
    request = {"ids": encode(lab.model.tokenizer, plain.messages), "threads": THREADS}
    figures = {"logits apart, no vector": apart(lab, plain, peer.ask("logits", kind, **request))}
    with_it = peer.ask("logits", kind, vector=vector, **request)
    for layer in (given.layer - 1, given.layer, given.layer + 1):
        moved = Row(messages=plain.messages, interventions=[Injection(layer, given.delta_D)])
        label = f"logits apart, direction.{given.layer} and our layer {layer}"
        figures[label] = apart(lab, moved, with_it)
    return figures


def apart(lab: Lab, row: Row, answer: Mapping[str, Any]) -> float:
    """Largest difference of what both expect first."""
    (logits_SV,) = read(lab.model, [row], [[0]])
    return float((logits_SV[-1] - torch.tensor(answer["logits"])).abs().max())
