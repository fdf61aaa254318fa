"""Classifiers by name: what is known of each, and how to load it."""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from phoque.errors import PhoqueError
from phoque.moderators.catalogue import (
    DETOXIFY,
    DETOXIFY_REPOSITORIES,
    LEXICON,
    MEAN,
    QWEN_GUARD,
    SEMANTIC,
    SVM,
    TOXBLOCK,
)
from phoque.moderators.classifier import Classifier
from phoque.moderators.disk import DiskCache, remembering
from phoque.moderators.endpoint.description import read_description
from phoque.run.datasheets import ClassifierInfo

# Each loads in a module of its own, so that torch is imported only where it is needed.
EMBEDDED = {
    MEAN.id: "mean",
    TOXBLOCK.id: "toxblock",
    SVM.id: "svm",
    LEXICON.id: "listed",
    SEMANTIC.id: "semantic",
}
"""Always there after set-up, with the network unplugged."""
OWN = {
    **EMBEDDED,
    QWEN_GUARD.id: "guard",
}
"""Every id of a moderator with a file of its own, and that file's name; a new one is a line here."""
SERVICES = {"openai.moderation": "openai"}
"""Moderators that are asked as a description says."""
CATALOGUE: dict[str, ClassifierInfo] = {
    info.id: info
    for info in (MEAN, TOXBLOCK, SVM, LEXICON, SEMANTIC, *DETOXIFY.values(), QWEN_GUARD)
} | DETOXIFY_REPOSITORIES


def load_classifier(
    name: str, *, harm_labels: Sequence[str] = (), called: str = "", keep: bool = False
) -> Classifier:
    """The classifier called `name`: one of the catalogue, a Hub id or a folder.

    Args:
        name: such as `embedded.mean`, `detoxify.original` or `org/name`.
        harm_labels: of a text-classification model by name: which of its labels are harm.
        called: its id in results, where that is not the name of a folder or on the Hub.
        keep: keep scores on disk and read them there, where they are dear.

    Raises:
        PhoqueError: there is none of that name, or what it needs is not installed.
    """
    found: Classifier
    if name in OWN:
        found = _module(OWN[name]).load()
    elif name in SERVICES:
        found = _module("endpoint.service").load(
            read_description(SERVICES[name]), DiskCache() if keep else None
        )
    elif name in DETOXIFY:
        found = _module("sequence").load(DETOXIFY[name].version, called=name)
    elif "/" in name or Path(name).is_dir():
        found = _module("sequence").load(name, harm_labels=harm_labels, called=called)
    else:
        known = ", ".join(dict.fromkeys((*OWN, *CATALOGUE, *SERVICES)))
        raise PhoqueError(f"There is no classifier {name}. Known: {known}, or a Hub id.")
    return remembering(found) if keep else found


def check_harm_labels(names: Sequence[str], harm_labels: Sequence[str]) -> None:
    """PhoqueError where harm labels are given and no classifier of these names would take them."""
    known = {*OWN, *SERVICES, *DETOXIFY}
    if harm_labels and known.issuperset(names):
        raise PhoqueError(
            f"The harm labels {', '.join(harm_labels)} would do nothing: {', '.join(names)} "
            "know their own. Leave them out, or name a text classifier of the Hub or a folder."
        )


@cache
def embedded(name: str) -> Classifier:
    """An embedded classifier, loaded once a process for all; raises as `load_classifier`."""
    return load_classifier(name)


def _module(name: str) -> Any:
    return import_module(f"phoque.moderators.{name}")
