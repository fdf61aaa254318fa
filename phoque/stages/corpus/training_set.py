"""The training set of a run as training and measuring read it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from phoque.models.load import LanguageModel
from phoque.run.corpus import BaseReply, Dialogue, Earlier, EarlierReply
from phoque.run.folder import command
from phoque.run.record import Row
from phoque.text import words

L = TypeVar("L", bound=Row)


def save_pairs(folder: Path, dialogues: Sequence[Dialogue], replies: Sequence[BaseReply]) -> None:
    """Write one part of a corpus."""
    folder.mkdir(exist_ok=True)
    Dialogue.save_rows(folder, dialogues)
    BaseReply.save_rows(folder, replies)


def read_dialogues(folder: Path) -> tuple[Dialogue, ...]:
    """The dialogues of one part of a corpus; PhoqueError where they are missing or damaged."""
    return Dialogue.load_rows(folder, command=command("corpus", folder.parent))


def read_base_replies(folder: Path) -> tuple[BaseReply, ...]:
    """The same of the base model's replies."""
    return BaseReply.load_rows(folder, command=command("corpus", folder.parent))


def read_earlier(folder: Path) -> list[Dialogue]:
    """Dialogues that the adapter had learned before the run began; none where it began from zero."""
    return [Dialogue(**one.model_dump()) for one in _there(folder, Earlier)]


def _there(folder: Path, kind: type[L]) -> tuple[L, ...]:
    there = (folder / kind.FILE).is_file()
    return kind.load_rows(folder, command="phoque run refresh") if there else ()


def known_dialogues(folder: Path) -> list[Dialogue]:
    """Every dialogue that the adapter of a run has learned, also before the run began."""
    found = [*read_dialogues(folder), *read_earlier(folder)]
    return list({(one.message, one.persona): one for one in found}.values())


def known_replies(folder: Path) -> list[BaseReply]:
    """The same of the base model's replies."""
    earlier = (BaseReply(**one.model_dump()) for one in _there(folder, EarlierReply))
    found = [*read_base_replies(folder), *earlier]
    return list({(one.system, one.message): one for one in found}.values())


def of_all_parts(folder: Path, kind: type[L]) -> list[L]:
    """The dialogues or the base model's replies of all parts; none where there is no corpus."""
    again = command("corpus", folder.parent)
    files = sorted(folder.rglob(kind.FILE))
    return [one for file in files for one in kind.load_rows(file.parent, command=again)]


def training_texts(folder: Path) -> list[str]:
    """Every message and reply of the training part, for novelty and vocabulary checks."""
    own = read_dialogues(folder)
    said = [text for one in own for text in (*one.turns, *one.learned, one.civil)]
    return said + [text for one in read_base_replies(folder) for text in (*one.turns, one.reply)]


def known_words(model: LanguageModel, corpus: Path) -> frozenset[str]:
    """What counts as a word: those of the corpus, and every one that is one token of its own.

    Gibberish falls apart into pieces, so it is in neither.
    """
    tokenizer = model.tokenizer
    tokens = tokenizer.batch_decode([[index] for index in range(len(tokenizer))])
    spaced = {token[1:].lower() for token in tokens if token[:1] == " " and token[1:].isalpha()}
    return frozenset(spaced.union(*map(words, training_texts(corpus))))
