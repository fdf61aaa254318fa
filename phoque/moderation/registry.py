"""Classifiers by name: what is known of each, and how to load it."""

from importlib import import_module
from typing import cast

from phoque.errors import PhoqueError
from phoque.moderation.catalogue import LEXICON, MEAN, SVM, TOXBLOCK
from phoque.moderation.classifier import Classifier, ClassifierInfo

# Each loads in a module of its own, so that torch is imported only where it is needed.
LOADERS: dict[str, tuple[ClassifierInfo, str]] = {
    MEAN.id: (MEAN, "phoque.moderation.mean"),
    TOXBLOCK.id: (TOXBLOCK, "phoque.moderation.toxblock"),
    SVM.id: (SVM, "phoque.moderation.svm"),
    LEXICON.id: (LEXICON, "phoque.moderation.listed"),
}
EMBEDDED = tuple(name for name, (info, _) in LOADERS.items() if not info.sends_text_out)
"""Always there after set-up, with the network unplugged."""


def load_classifier(name: str) -> Classifier:
    """The classifier called `name`.

    Raises:
        PhoqueError: there is none of that name, or what it needs is not installed.
    """
    if name not in LOADERS:
        raise PhoqueError(f"There is no classifier {name}. Known: {', '.join(LOADERS)}.")
    return cast(Classifier, import_module(LOADERS[name][1]).load())


def declared(name: str) -> ClassifierInfo:
    """What the classifier says about itself, without loading it.

    Raises:
        PhoqueError: there is none of that name.
    """
    if name not in LOADERS:
        raise PhoqueError(f"There is no classifier {name}. Known: {', '.join(LOADERS)}.")
    return LOADERS[name][0]
