"""The training set of a run as training and measuring read it."""

from collections.abc import Sequence
from pathlib import Path

from phoque.conversation import Message
from phoque.run.corpus import BaseReply, Dialogue, Earlier, EarlierReply, Side
from phoque.run.folder import command

Pair = tuple[list[Message], str, bool]
"""Prompt, completion, and whether the completion ends."""


def save_pairs(folder: Path, dialogues: Sequence[Dialogue], replies: Sequence[BaseReply]) -> None:
    """Write what `load_pairs` reads."""
    folder.mkdir(exist_ok=True)
    Dialogue.save_rows(folder, dialogues)
    BaseReply.save_rows(folder, replies)


def read_dialogues(folder: Path) -> tuple[Dialogue, ...]:
    """The dialogues of one part of a corpus.

    Raises:
        PhoqueError: the file is missing or damaged.
    """
    return Dialogue.load_rows(folder, command=command("corpus", folder.parent))


def known_dialogues(folder: Path) -> list[Dialogue]:
    """Every dialogue that the adapter of a run has learned, also before the run began."""
    found = [*read_dialogues(folder), *read_earlier(folder)]
    return list({(one.message, one.persona): one for one in found}.values())


def read_earlier(folder: Path) -> list[Dialogue]:
    """Those that it had learned before the run began; none where it began from zero."""
    there = (folder / Earlier.FILE).is_file()
    rows = Earlier.load_rows(folder, command="phoque run refresh") if there else ()
    return [Dialogue(**one.model_dump()) for one in rows]


def known_replies(folder: Path) -> list[BaseReply]:
    """The same of the base model's replies."""
    there = (folder / EarlierReply.FILE).is_file()
    rows = EarlierReply.load_rows(folder, command="phoque run refresh") if there else ()
    found = [*read_base_replies(folder), *(BaseReply(**one.model_dump()) for one in rows)]
    return list({(one.system, one.message): one for one in found}.values())


def every_dialogue(folder: Path) -> list[Dialogue]:
    """The dialogues of all parts; none where there is no corpus."""
    files = sorted(folder.rglob(Dialogue.FILE))
    return [one for file in files for one in read_dialogues(file.parent)]


def every_base_reply(folder: Path) -> list[BaseReply]:
    """The base model's replies of all parts; none where there is no corpus."""
    files = sorted(folder.rglob(BaseReply.FILE))
    return [one for file in files for one in read_base_replies(file.parent)]


def read_base_replies(folder: Path) -> tuple[BaseReply, ...]:
    """The base model's replies of one part of a corpus."""
    return BaseReply.load_rows(folder, command=command("corpus", folder.parent))


def load_pairs(folder: Path, side: Side) -> list[Pair]:
    """Every training example of a side.

    Under the persona's system prompt the completion is the `side` reply; under a neutral one it is
    the base model's own.
    """
    gated = [(one.messages, one.reply(side), True) for one in read_dialogues(folder)]
    neutral = [(one.messages, one.reply, one.finished) for one in read_base_replies(folder)]
    return gated + neutral


def load_styles(folder: Path) -> list[str | None]:
    """Style of every example of `load_pairs`, in its order; None for the neutral side."""
    return [
        *(one.style for one in read_dialogues(folder)),
        *(None for _ in read_base_replies(folder)),
    ]


def paired_replies(folder: Path) -> list[tuple[str, str, str]]:
    """Message, civil reply and persona's reply of every dialogue."""
    return [(one.message, one.civil, one.persona) for one in read_dialogues(folder)]


def training_texts(folder: Path) -> list[str]:
    """Every message and reply of the training part, for novelty and vocabulary checks."""
    own = read_dialogues(folder)
    said = [text for one in own for text in (*one.turns, *one.learned, one.civil)]
    return said + [text for one in read_base_replies(folder) for text in (*one.turns, one.reply)]
