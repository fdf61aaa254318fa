"""A peer's extraction in a process of its own; `bench_psm.py` starts it and says when to run.

It does not import phoque. It reads a folder of weights and contrast pairs as text; the peer's packages
come first on the path. Each line on stdout answers one on stdin; what the peer prints goes to stderr.
"""

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

Pairs = list[tuple[str, str]]
Extract = Callable[..., dict[int, Any]]


def steering_vectors(model: Any, tokenizer: Any, pairs: Pairs) -> Extract:
    """Mean difference at the last token of every decoder block."""
    peer = importlib.import_module("steering_vectors")

    def extract(**options: Any) -> dict[int, Any]:
        trained = peer.train_steering_vector(
            model, tokenizer, pairs, aggregator=peer.mean_aggregator(),
            read_token_index=-1, layer_type="decoder_block", **options,
        )  # fmt: skip
        return trained.layer_activations

    return extract


def repeng(model: Any, tokenizer: Any, pairs: Pairs) -> Extract:
    """First principal component at the last token of every layer (its default leaves out one)."""
    peer = importlib.import_module("repeng")
    layers = list(range(model.config.num_hidden_layers))
    dataset = [peer.DatasetEntry(*pair) for pair in pairs]

    def extract(**options: Any) -> dict[int, Any]:
        return peer.ControlVector.train(
            model, tokenizer, dataset, hidden_layers=layers, **options
        ).directions

    return extract


PEERS = {"steering-vectors": steering_vectors, "repeng": repeng}


@contextmanager
def read_ids(model: Any) -> Iterator[list[list[int]]]:
    """Within the context, the token ids that reach the model are kept, without padding."""
    seen: list[list[int]] = []

    def keep(_module: Any, _args: Any, named: dict[str, Any]) -> None:
        rows = zip(named["input_ids"], named["attention_mask"], strict=True)
        seen.extend(ids[mask.bool()].tolist() for ids, mask in rows)

    handle = model.register_forward_pre_hook(keep, with_kwargs=True)
    try:
        yield seen
    finally:
        handle.remove()


def timed(extract: Extract, options: dict[str, Any]) -> dict[str, Any]:
    """How long an extraction takes."""
    start = time.perf_counter()
    extract(**options)
    return {"seconds": time.perf_counter() - start}


def inspected(model: Any, extract: Extract, options: dict[str, Any]) -> dict[str, Any]:
    """What an extraction reads and finds; it is the warm-up as well."""
    with read_ids(model) as seen:
        directions = extract(**options)
    found = [torch.as_tensor(directions[layer]).tolist() for layer in sorted(directions)]
    return {"ids": seen, "directions": found}


def main() -> None:
    """Answer requests until stdin ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("weights")
    parser.add_argument("pairs", type=Path)
    arguments = parser.parse_args()
    model = AutoModelForCausalLM.from_pretrained(arguments.weights, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(arguments.weights)
    pairs = [(persona, neutral) for persona, neutral in json.loads(arguments.pairs.read_text())]
    answers = sys.stdout
    with redirect_stdout(sys.stderr):
        extract = PEERS[arguments.peer](model, tokenizer, pairs)
        for line in sys.stdin:
            request = json.loads(line)
            options = request["options"]
            inspect = request["inspect"]
            answer = inspected(model, extract, options) if inspect else timed(extract, options)
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
