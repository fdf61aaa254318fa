"""Texts per second of the embedded mean, and of our batches beside Detoxify's `predict`.

The comparison uses random weights of BERT-base's size and the same texts in the same order, in turns.
Texts are the distinct replies of the shipped run, and Surge's comments if they lie beside the
project. The embedded mean is also timed with scores kept on disk, as an experiment.

Usage: python benchmarks/bench_moderation.py [--texts 64] [--repeats 3]
"""

import argparse
import csv
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from machine import Watch, seconds
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from phoque.config import SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.moderators.catalogue import DETOXIFY_ORIGINAL
from phoque.moderators.disk import DiskCache, Remembering
from phoque.moderators.labelled import surge
from phoque.moderators.registry import load_classifier
from phoque.moderators.scoring import harm_scores
from phoque.moderators.sequence import SequenceClassifier


def text_sets() -> dict[str, list[str]]:
    """Distinct texts by their source."""
    with (SHIPPED_RUN / "evaluation" / "replies.csv").open(encoding="utf-8") as file:
        found = {"replies": [row["text"] for row in csv.DictReader(file)]}
    try:
        found["Surge"] = [one.text for one in surge().examples]
    except PhoqueError as error:
        print(error)
    return {name: list(dict.fromkeys(texts)) for name, texts in found.items()}


def embedded(texts: list[str], repeats: int) -> float:
    """Texts a second of the embedded mean."""
    classifier = load_classifier("embedded.mean")
    harm_scores(classifier, texts[:256])
    return len(texts) / median(
        seconds(lambda: harm_scores(classifier, texts)) for _ in range(repeats)
    )


def from_disk(texts: list[str], repeats: int) -> tuple[float, float]:
    """Texts a second of the embedded mean with scores kept on disk: new texts, and known ones."""
    classifier = load_classifier("embedded.mean")
    harm_scores(classifier, texts[:256])
    new, known = [], []
    for _ in range(repeats):
        with TemporaryDirectory() as folder:
            kept = Remembering(classifier, DiskCache(Path(folder) / "scores.sqlite"))
            new.append(len(texts) / seconds(lambda kept=kept: harm_scores(kept, texts)))
            known.append(len(texts) / seconds(lambda kept=kept: harm_scores(kept, texts)))
    return median(new), median(known)


def network(texts: list[str]) -> tuple[Any, Any]:
    """BERT-base with random weights, and a tokenizer of whole words and marks."""
    words = sorted({word for text in texts for word in text.split()})
    known = {word: number for number, word in enumerate(["[PAD]", "[UNK]", *words])}
    tokens = Tokenizer(models.WordLevel(known, unk_token="[UNK]"))
    tokens.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokens, pad_token="[PAD]", unk_token="[UNK]", model_max_length=512
    )
    config = BertConfig(vocab_size=len(known), num_labels=6)
    return BertForSequenceClassification(config).eval(), tokenizer


def against_detoxify(texts: list[str], repeats: int) -> float:
    """How many times as fast as `Detoxify.predict` our batches are."""
    model, tokenizer = network(texts)
    theirs = object.__new__(import_module("detoxify").Detoxify)
    theirs.model, theirs.tokenizer, theirs.device = model, tokenizer, "cpu"
    theirs.class_names = list(DETOXIFY_ORIGINAL.labels)
    ours = SequenceClassifier(model, tokenizer, DETOXIFY_ORIGINAL, torch.sigmoid)
    ratios = []
    for _ in range(repeats):
        apart = seconds(lambda: theirs.predict(texts))
        ratios.append(apart / seconds(lambda: harm_scores(ours, texts)))
    return median(ratios)


def main() -> None:
    """Print the figures and append them to `benchmarks/results.jsonl`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=64, help="for the comparison")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    watch, figures = Watch("moderation"), {}
    for name, texts in text_sets().items():
        figures[f"embedded mean, {name}, texts/s"] = embedded(texts, arguments.repeats)
        new, known = from_disk(texts, arguments.repeats)
        figures |= {f"kept, {name}, new": new, f"kept, {name}, known": known}
        if find_spec("detoxify"):
            few = texts[: arguments.texts]
            figures[f"batches / predict, {name}"] = against_detoxify(few, arguments.repeats)
    watch.record(figures)


if __name__ == "__main__":
    main()
