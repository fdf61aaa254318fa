"""Which words count as words, without a dictionary to ship."""

from pathlib import Path

from phoque.models.load import LanguageModel
from phoque.stages.corpus.training_set import training_texts
from phoque.text import words


def known_words(model: LanguageModel, corpus: Path) -> frozenset[str]:
    """Words of the corpus, and every word that the tokenizer has as one token of its own.

    Gibberish falls apart into pieces, so it is in neither.
    """
    tokenizer = model.tokenizer
    tokens = tokenizer.batch_decode([[index] for index in range(len(tokenizer))])
    spaced = {token[1:].lower() for token in tokens if token[:1] == " " and token[1:].isalpha()}
    return frozenset(spaced.union(*map(words, training_texts(corpus))))
