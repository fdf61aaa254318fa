"""Any text-classification model: from the Hub, from a folder, or out of the Detoxify package.

Its tokenizer may have no fast version, no token to pad with, or a limit that is not the network's.
"""

import hashlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from phoque.errors import PhoqueError
from phoque.models.load import weights_digest
from phoque.models.packed.threads import capped
from phoque.moderators.catalogue import DETOXIFY_REPOSITORIES
from phoque.moderators.classifier import HARM_LABELS, Item, Score
from phoque.run.datasheets import ClassifierInfo

ALIASES = {
    "toxic": "toxicity",
    "severe_toxic": "severe_toxicity",
    "identity_hate": "identity_attack",
}
"""Names of Jigsaw's labels, as Detoxify unifies them."""
KNOWN_HARM = {*HARM_LABELS, "hate", "hateful", "hate_speech", "offensive", "abusive", "harassment"}
NONE_KNOWN = "none of them is known to be harm"
Activation = Callable[[torch.Tensor], torch.Tensor]


class SequenceClassifier:
    """A network with one score a label."""

    def __init__(
        self, network: Any, tokenizer: Any, info: ClassifierInfo, activation: Activation
    ) -> None:
        self._network = network.eval()
        self._encoder = Encoder(network, tokenizer, info.max_tokens or MOST_TOKENS)
        self.info, self._activation = info, activation
        settings = f"{weights_digest(network)}{info.labels}{info.max_tokens}{activation.__name__}"
        self.digest = hashlib.sha256(settings.encode()).hexdigest()[:16]

    def score_batch(self, items: Sequence[Item]) -> list[Score]:
        """Every label of the network, harm or not, by its unified name."""
        return [
            Score(labels=dict(zip(self.info.labels, row, strict=True)), truncated=over)
            for tensors, truncated in self._encoder.batches([item.text for item in items])
            for row, over in zip(self._values(tensors), truncated, strict=True)
        ]

    def _values(self, tensors: Any) -> list[list[float]]:
        with torch.inference_mode(), capped(self._network.device):
            logits = self._network(**tensors.to(self._network.device)).logits
        values: list[list[float]] = self._activation(logits.float()).tolist()
        return values


def load(name: str, *, harm_labels: Sequence[str] = (), called: str = "") -> SequenceClassifier:
    """A text-classification model of the Hub or of a folder, with the labels it names itself.

    Args:
        name: Hub id or folder.
        harm_labels: which of its labels are harm; needed where their names do not say so.
        called: its id in results, where that is not its name.

    Raises:
        PhoqueError: it cannot be loaded, or none of its labels is known to be harm.
    """
    network, tokenizer = _pretrained(name)
    labels = labels_of(network.config)
    detoxify = DETOXIFY_REPOSITORIES.get(name)
    info = replace(
        detoxify or unknown(name),
        id=called or name,
        version=f"{name}@{getattr(network.config, '_commit_hash', None) or 'local'}",
        labels=labels,
        harm_labels=harmful(labels, harm_labels, name),
        max_tokens=most_tokens(network, tokenizer),
    )
    activation = torch.sigmoid if detoxify else activation_of(network.config, info)
    return SequenceClassifier(network, tokenizer, info, activation)


def labels_of(config: Any) -> tuple[str, ...]:
    """Labels of a network by its own `id2label`, in order, Jigsaw's under one name."""
    named = [str(config.id2label[number]) for number in sorted(config.id2label)]
    unified = tuple(map(_unified, named))
    # Two names for what is one elsewhere are two labels here.
    return unified if len({*unified}) == len(unified) else tuple(named)


def _unified(label: str) -> str:
    plain = label.strip().lower().replace(" ", "_").replace("-", "_")
    return ALIASES.get(plain, plain)


def harmful(labels: Sequence[str], wanted: Sequence[str], name: str) -> tuple[str, ...]:
    """The labels that are harm: those asked for, else those known to be.

    Raises:
        PhoqueError: there is none, or one that was asked for is not a label.
    """
    # A person writes a label as the model does, or as it is shown.
    asked = [label if label in labels else _unified(label) for label in wanted]
    absent = [label for label, one in zip(wanted, asked, strict=True) if one not in labels]
    found = tuple(dict.fromkeys(asked)) or tuple(one for one in labels if one in KNOWN_HARM)
    if found and not absent:
        return found
    what = f"no label {', '.join(absent)} is known of it" if absent else NONE_KNOWN
    raise PhoqueError(
        f"{name} has the labels {', '.join(labels)}; {what}. "
        "Say which are: harm_labels=…, or --harm-label NAME on the command line."
    )


def activation_of(config: Any, info: ClassifierInfo) -> Activation:
    """Sigmoid where labels are independent, softmax where exactly one of them holds.

    A model that gives the value itself is taken by its word.
    """
    stated, kind = getattr(config, "function_to_apply", None), config.problem_type
    if stated == "none" or (stated is None and kind == "regression"):
        return as_it_is
    # Without a word from the configuration: labels that are all harm can hold together. One label
    # excludes no other: its softmax would be 1 whatever the text.
    assumed = kind is None and len(info.harm_labels) == len(info.labels)
    several = kind == "multi_label_classification" or len(info.labels) == 1
    if stated == "sigmoid" or (stated is None and (several or assumed)):
        return torch.sigmoid
    return softmax


def softmax(logits: torch.Tensor) -> torch.Tensor:
    """Probabilities of labels that exclude each other."""
    return torch.softmax(logits, dim=-1)


def as_it_is(logits: torch.Tensor) -> torch.Tensor:
    """The values themselves; those outside [0, 1] are refused with their text."""
    return logits


def unknown(name: str) -> ClassifierInfo:
    """What can be said of a model that is not in the catalogue."""
    return ClassifierInfo(
        id=name,
        version=name,
        source="hub",
        construct="unknown: see its model card",
        labels=(),
        harm_labels=(),
        languages=("see its model card",),
        licence="see its model card",
        training_data="see its model card",
        blind_spots="Unknown: read its data-sheet below.",
    )


def _pretrained(name: str) -> tuple[Any, Any]:
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        network, found = AutoModelForSequenceClassification.from_pretrained(
            name, output_loading_info=True, trust_remote_code=False
        )
    except Exception as error:  # each file format, and each family, has errors of its own
        said = next((line for line in str(error).splitlines() if line.strip()), repr(error))
        raise PhoqueError(
            f"Cannot load the classifier {name}: {said.strip()} Check the name and the connection."
        ) from error
    if absent := sorted(found["missing_keys"]):
        raise PhoqueError(
            f"{name} is no classifier, or not all of one: {len(absent)} of its weights are missing, "
            f"such as {absent[0]}, and would be random numbers. Give a text-classification model."
        )
    return network, tokenizer


MOST_TOKENS = 512
"""Longer texts are read in pieces even where a network could take them."""
LIMITS = (
    "max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_seq_length",
    "max_sequence_length", "seq_length"
)  # fmt: skip
"""Where families say in their configurations how many tokens they can read."""


class Encoder:
    """Encodes texts for one network."""

    def __init__(self, network: nn.Module, tokenizer: Any, max_tokens: int) -> None:
        self._tokenizer, self._max_tokens = tokenizer, max_tokens
        self._takes = set(inspect.signature(network.forward).parameters)
        self._pads = _agreed_on_padding(network, tokenizer)

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[Any, list[bool]]]:
        """Tensors by name, a row a text, and whether each text was too long to be read whole.

        In order; each text alone where nothing could fill up the shorter ones. Raises a
        `PhoqueError` where the tokenizer sees nothing in a text.
        """
        rows = [self._row(text) for text in texts]
        for part in [rows] if self._pads else [[row] for row in rows]:
            encoded = [row for row, _ in part]
            tensors = self._tokenizer.pad(encoded, padding=self._pads, return_tensors="pt")
            yield tensors, [over for _, over in part]

    def _row(self, text: str) -> tuple[dict[str, list[int]], bool]:
        """What the network takes of a text, and whether that is not all of it."""
        # Not by what a fast tokenizer keeps of its work: others have no such thing.
        encoded = self._tokenizer(text, verbose=False)
        over = len(encoded["input_ids"]) > self._max_tokens
        if over:
            encoded = self._tokenizer(text, truncation=True, max_length=self._max_tokens)
        if not encoded["input_ids"]:
            raise PhoqueError("its tokenizer finds no token in this text")
        return {name: row for name, row in encoded.items() if name in self._takes}, over


def most_tokens(network: Any, tokenizer: Any) -> int:
    """Most tokens that both can take, at most `MOST_TOKENS`: the least that any place says."""
    config = network.config.get_text_config()
    said = [tokenizer.model_max_length, *(getattr(config, name, None) for name in LIMITS)]
    limits = [int(one) for one in [*said, *_table_limits(network)] if isinstance(one, (int, float))]
    return min([MOST_TOKENS, *(one for one in limits if one > 0)])


def _table_limits(network: nn.Module) -> Iterator[int]:
    """Positions for which learned tables have a row."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Embedding) and "position" in name.rsplit(".", 1)[-1]:
            # RoBERTa and its kin count positions from behind the number of the padding.
            offset = 0 if module.padding_idx is None else module.padding_idx + 1
            yield module.num_embeddings - offset


def _agreed_on_padding(network: Any, tokenizer: Any) -> bool:
    """Whether there is a token to pad with; network and tokenizer then both know it."""
    config = network.config.get_text_config()
    rows = getattr(config, "vocab_size", None) or len(tokenizer)
    for number in (getattr(config, "pad_token_id", None), tokenizer.pad_token_id):
        if number is None or not 0 <= number < rows:
            continue
        token = tokenizer.convert_ids_to_tokens(number)
        if token is not None:
            tokenizer.pad_token, config.pad_token_id = token, number
            if getattr(config, "summary_type", None) == "last":
                # Such a network reads the last position, whatever stands there.
                tokenizer.padding_side = "left"
            return True
    config.pad_token_id = None
    return False
