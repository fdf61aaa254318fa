"""Any text-classification model: from the Hub, from a folder, or out of the Detoxify package."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from phoque.errors import PhoqueError
from phoque.models.load import weights_digest
from phoque.moderation.catalogue import DETOXIFY, DETOXIFY_REPOSITORIES
from phoque.moderation.classifier import HARM_LABELS, ClassifierInfo, Item, Score

ALIASES = {
    "toxic": "toxicity",
    "severe_toxic": "severe_toxicity",
    "identity_hate": "identity_attack",
}
"""Names of Jigsaw's labels, as Detoxify unifies them."""
KNOWN_HARM = {*HARM_LABELS, "hate", "hateful", "hate_speech", "offensive", "abusive", "harassment"}
MOST_TOKENS = 512
Activation = Callable[[torch.Tensor], torch.Tensor]


class SequenceClassifier:
    """A network with one score a label."""

    def __init__(
        self, network: Any, tokenizer: Any, info: ClassifierInfo, activation: Activation
    ) -> None:
        self._network = network.eval()
        self._tokenizer, self._info, self._activation = tokenizer, info, activation
        settings = f"{weights_digest(network)}{info.labels}{info.max_tokens}{activation.__name__}"
        self._digest = hashlib.sha256(settings.encode()).hexdigest()[:16]

    @property
    def info(self) -> ClassifierInfo:
        """What its configuration and the catalogue say about it."""
        return self._info

    @property
    def digest(self) -> str:
        """Fingerprint of weights, labels, length and activation."""
        return self._digest

    def score_batch(self, items: Sequence[Item]) -> list[Score]:
        """Every label of the network, harm or not, by its unified name."""
        inputs = self._tokenizer(
            [item.text for item in items],
            truncation=True,
            max_length=self._info.max_tokens,
            padding=True,
            return_tensors="pt",
        )
        with torch.inference_mode():
            logits = self._network(**inputs.to(self._network.device)).logits
        rows = self._activation(logits.float()).tolist()
        return [
            Score(labels=dict(zip(self._info.labels, row, strict=True)), truncated=bool(over))
            for row, over in zip(rows, _overflows(inputs), strict=True)
        ]


def load(name: str, *, harm_labels: Sequence[str] = (), device: str = "cpu") -> SequenceClassifier:
    """A text-classification model of the Hub or of a folder, with the labels it names itself.

    Args:
        name: Hub id or folder.
        harm_labels: which of its labels are harm; needed where their names do not say so.
        device: where it computes.

    Raises:
        PhoqueError: it cannot be loaded, or none of its labels is known to be harm.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        network = AutoModelForSequenceClassification.from_pretrained(
            name, trust_remote_code=False
        ).to(device)
    except (OSError, ValueError) as error:
        raise PhoqueError(
            f"Cannot load the classifier {name}: {str(error).splitlines()[0]} "
            "Check the name and the connection."
        ) from error
    labels = labels_of(network.config)
    info = replace(
        DETOXIFY_REPOSITORIES.get(name, unknown(name)),
        id=name,
        version=f"{name}@{getattr(network.config, '_commit_hash', None) or 'local'}",
        labels=labels,
        harm_labels=harmful(labels, harm_labels, name),
        max_tokens=min(MOST_TOKENS, tokenizer.model_max_length),
    )
    return SequenceClassifier(network, tokenizer, info, activation_of(network.config, info))


def load_detoxify(
    name: str, *, checkpoint: str | None = None, config: str | None = None
) -> SequenceClassifier:
    """One of Detoxify's models through its own package, computed in our batches.

    Its `predict` pads the whole list at once and gives a bare number for a list of one.

    Args:
        name: original, unbiased or multilingual.
        checkpoint: a downloaded checkpoint file; None downloads it.
        config: folder with configuration and tokenizer, for a machine without network.

    Raises:
        PhoqueError: the package is not installed, or the model cannot be had.
    """
    try:
        package = import_module("detoxify")
        made = package.Detoxify(name, checkpoint=checkpoint, huggingface_config_path=config)
    except (ImportError, OSError) as error:
        raise PhoqueError(
            f"Cannot load Detoxify's {name}: {error}. Install it: pip install 'detoxify>=0.5.4'"
        ) from error
    labels = tuple(map(str, made.class_names))
    info = replace(DETOXIFY[name], labels=labels, harm_labels=harmful(labels, (), name))
    info = replace(info, max_tokens=min(MOST_TOKENS, made.tokenizer.model_max_length))
    return SequenceClassifier(made.model, made.tokenizer, info, torch.sigmoid)


def labels_of(config: Any) -> tuple[str, ...]:
    """Labels of a network by its own `id2label`, in order, Jigsaw's under one name."""
    named = [config.id2label[number] for number in sorted(config.id2label)]
    plain = [str(name).strip().lower().replace(" ", "_").replace("-", "_") for name in named]
    return tuple(ALIASES.get(name, name) for name in plain)


def harmful(labels: Sequence[str], wanted: Sequence[str], name: str) -> tuple[str, ...]:
    """The labels that are harm: those asked for, else those known to be.

    Raises:
        PhoqueError: there is none, or one that was asked for is not a label.
    """
    unknown_labels = [label for label in wanted if label not in labels]
    found = tuple(wanted) or tuple(label for label in labels if label in KNOWN_HARM)
    if unknown_labels or not found:
        raise PhoqueError(
            f"{name} has the labels {', '.join(labels)}; "
            f"{', '.join(unknown_labels) or 'none of them'} is known to be harm. "
            "Say which are: harm_labels=…, or --harm-label NAME on the command line."
        )
    return found


def activation_of(config: Any, info: ClassifierInfo) -> Activation:
    """Sigmoid where labels are independent, softmax where exactly one of them holds."""
    stated = getattr(config, "function_to_apply", None)
    several = config.problem_type == "multi_label_classification"
    # Without a word from the configuration: labels that are all harm can hold together.
    assumed = config.problem_type is None and len(info.harm_labels) == len(info.labels)
    if stated == "sigmoid" or (stated is None and (several or assumed)):
        return torch.sigmoid
    return softmax


def softmax(logits: torch.Tensor) -> torch.Tensor:
    """Probabilities of labels that exclude each other."""
    return torch.softmax(logits, dim=-1)


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


def _overflows(inputs: Any) -> list[Any]:
    # What a fast tokenizer cut off is kept beside each encoding.
    return [encoding.overflowing for encoding in inputs.encodings]
