"""Published corpora by name: which file each is, and what an utterance of it is made of."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.personas import shipped_personas
from phoque.stages.corpus.chats import HEARD, Chat, heard_rows
from phoque.stages.corpus.examples import Example
from phoque.stages.corpus.reading import (
    Dropped,
    MalformedRowError,
    Row,
    Schema,
    converted,
    label_in,
    read_rows,
    text_in,
)
from phoque.stages.corpus.written import WRITTEN, shipped_folder

HOSTILE = "toxic"
"""Of the personas that come with the project, the one that published utterances suit."""


@dataclass(frozen=True, kw_only=True)
class Source:
    schemas: Sequence[Schema]
    """Columns of its files; one of these is enough."""
    example: Callable[[Row], Example]
    """What a row is, or MalformedRowError."""
    file: str
    """What to download, or the set on the Hub."""
    licence: str
    chat: Chat | None = None
    """Where one row answers another, perhaps of another file: its files are read as one."""
    plain: Callable[[str], str] = str
    """Takes the source's marks out of what others said."""
    label: str | None = None
    """Column without which a row only says what others answer."""

    @property
    def together(self) -> bool:
        """Whether several files are read as one."""
        return self.chat is not None

    def load(self, where: str | Sequence[str], dropped: Dropped) -> Iterator[Example]:
        """Utterances of a file, or of all files that are read together.

        PhoqueError where none can be read or has a label that it needs.
        """
        if isinstance(where, str) and not self.chat:
            rows = read_rows(where, self.schemas, dropped)
        else:
            assert self.chat, "only chats are read from several files"
            rows = heard_rows(where, self.schemas, self.chat, dropped, self.plain)
        if self.label:
            rows = _labelled(rows, self.label, where, dropped)
        return converted(rows, self.example, dropped)


def _labelled(
    rows: Iterator[Row], label: str, where: str | Sequence[str], dropped: Dropped
) -> Iterator[Row]:
    any_label = False
    for row in rows:
        if label in row:
            any_label = True
            yield row
        else:
            dropped["not labelled, read as context"] += 1
    if not any_label:
        files = where if isinstance(where, str) else ", ".join(where)
        raise PhoqueError(
            f"{files}: no row has {label}. Give CONDA_train.csv or CONDA_valid.csv, beside it or "
            "instead: --source conda=FILE for each."
        )


JIGSAW_LABELS = {
    "toxic": "toxicity",
    "severe_toxic": "severe_toxicity",
    "obscene": "obscene",
    "threat": "threat",
    "insult": "insult",
    "identity_hate": "identity_attack",
}
"""Columns of Kaggle's file, where labels are 0 or 1, and the names of their labels."""
CIVIL_COMMENTS = (*JIGSAW_LABELS.values(), "sexual_explicit")
"""Columns of Civil Comments on the Hub; labels are shares of annotators (Borkan et al. 2019)."""


def _of_jigsaw(row: Row) -> Example:
    kaggle = "comment_text" in row
    columns = JIGSAW_LABELS if kaggle else {name: name for name in CIVIL_COMMENTS}
    return Example(
        source="jigsaw",
        text=text_in(row, "comment_text" if kaggle else "text"),
        labels={name: label_in(row, column) for column, name in columns.items()},
        labelled_by="annotators",
    )


def _of_dota(row: Row) -> Example:
    return Example(source="dota", text=text_in(row, "text"), prompt=row[HEARD])


HUMAN, ASSISTANT = "Human", "Assistant"
TURN = re.compile(rf"(?:\A|\n[^\S\n]*\n)\s*({HUMAN}|{ASSISTANT}):")
"""Where a turn of hh-rlhf begins, and whose it is."""
MARK = re.compile(rf"(?<![^\W_])(?:{HUMAN}|{ASSISTANT})\s*:")


def _of_hh_rlhf(row: Row) -> Example:
    """The turn that annotators rejected, which means worse than another, and not toxic."""
    found = _turns(text_in(row, "rejected"))
    if found and found[-1][0] == HUMAN:
        # Some transcripts go on: the model wrote what a human might say next.
        del found[-1]
    match found:
        case [*_, ("Human", prompt), ("Assistant", reply)] if prompt and reply:
            pass
        case _:
            raise MalformedRowError("no human turn before a last turn of the assistant")
    if MARK.search(prompt) or MARK.search(reply):
        raise MalformedRowError("the mark of a turn inside a turn")
    return Example(source="hh-rlhf", text=reply, prompt=prompt)


def _turns(transcript: str) -> list[tuple[str, str]]:
    """Speaker and text of every turn; turns of one speaker in a row are one."""
    _, *parts = TURN.split(transcript.replace("\r\n", "\n"))
    said = zip(parts[::2], parts[1::2], strict=True)
    return [
        (speaker, "\n\n".join(filter(None, (text.strip() for _, text in own))))
        for speaker, own in groupby(said, key=lambda one: one[0])
    ]


PERSPECTIVE = {
    "toxicity": "toxicity",
    "severe_toxicity": "severe_toxicity",
    "profanity": "obscene",
    "threat": "threat",
    "insult": "insult",
    "identity_attack": "identity_attack",
    "sexually_explicit": "sexual_explicit",
}
"""Fields of RealToxicityPrompts and the names of their labels."""


def _of_real_toxicity(row: Row) -> Example:
    """A continuation, with the labels that Perspective gave it; the sentence was cut in two."""
    prompt, continuation = row["prompt"], row["continuation"]
    if not (isinstance(prompt, dict) and isinstance(continuation, dict)):
        raise MalformedRowError("prompt or continuation is no object")
    return Example(
        source="real-toxicity-prompts",
        text=text_in(continuation, "text").strip(),
        prompt=f"Finish this sentence: {text_in(prompt, 'text').strip()}",
        labels={name: label_in(continuation, column) for column, name in PERSPECTIVE.items()},
        labelled_by="Perspective",
    )


CONDA_TEXT = ("Id", "conversationId", "utterance", "chatTime", "playerSlot")
INTENT = "intentClass"
"""E explicit toxicity, I implicit toxicity, A action, O other."""
SEPARATOR = re.compile(r"\s*\[\s*SEPA\s*\]\s*", re.IGNORECASE)
"""Between messages of one player that were put together."""


def _conda_plain(text: str) -> str:
    return SEPARATOR.sub(" ", text).strip()


def _of_conda(row: Row) -> Example:
    intent = text_in(row, INTENT).strip()
    if intent not in {"E", "I", "A", "O"}:
        raise MalformedRowError(f"{INTENT} is none of E, I, A, O")
    labels = {"explicit": float(intent == "E"), "implicit": float(intent == "I")}
    return Example(
        source="conda",
        text=text_in({"utterance": _conda_plain(text_in(row, "utterance"))}, "utterance"),
        prompt=row[HEARD],
        labels={"toxicity": max(labels.values()), **labels},
        labelled_by="annotators",
    )


SOURCES = {
    "jigsaw": Source(
        schemas=(("comment_text", *JIGSAW_LABELS), ("text", *CIVIL_COMMENTS)),
        example=_of_jigsaw,
        file="train.csv of Kaggle's toxic comment challenge, or hub:google/civil_comments",
        licence="CC0; comments of Wikipedia CC BY-SA 3.0",
    ),
    "dota": Source(  # a million matches in many languages, nothing of it labelled
        schemas=[("match", "time", "slot", "text")],
        example=_of_dota,
        chat=Chat(chat="match", place="time", speaker="slot", text="text"),
        file="dota2_chat_messages.csv of Kaggle's gosuai-dota-2-game-chats",
        licence="not established; not to be passed on",
    ),
    "hh-rlhf": Source(  # Bai et al. 2022
        schemas=[("chosen", "rejected")],
        example=_of_hh_rlhf,
        file="train.jsonl.gz of a folder of hh-rlhf, or hub:Anthropic/hh-rlhf",
        licence="MIT",
    ),
    "real-toxicity-prompts": Source(  # Gehman et al. 2020
        schemas=[("prompt", "continuation")],
        example=_of_real_toxicity,
        file="prompts.jsonl, or hub:allenai/real-toxicity-prompts",
        licence="Apache-2.0",
    ),
    "conda": Source(  # Weld et al. 2021; shuffled, and a conversation is spread over the files
        schemas=((*CONDA_TEXT, INTENT), CONDA_TEXT),
        example=_of_conda,
        chat=Chat(chat="conversationId", place="Id", speaker="playerSlot", text="utterance"),
        plain=_conda_plain,
        label=INTENT,
        file="CONDA_train.csv and CONDA_valid.csv, with CONDA_test.csv for what they answer",
        licence="none given; not to be passed on",
    ),
}


def source_called(name: str) -> Source:
    """The source of that name; PhoqueError where there is none."""
    if name not in SOURCES:
        raise PhoqueError(f"There is no source {name!r}. Known: {', '.join(SOURCES)}, written.")
    return SOURCES[name]


def sources_in(asked: Sequence[str], persona: str) -> tuple[list[tuple[str, str]], Path | None]:
    """Files of `NAME=PATH`, and the folder of written replies: the persona's where nothing is asked.

    PhoqueError where a source is written another way, there twice or not for the persona, or the
    persona has no replies.
    """
    if not asked:
        return [], shipped_folder(persona)
    named = [one.partition("=") for one in asked]
    wrong = [name for name, _, where in named if not where and name != WRITTEN]
    if wrong:
        known = ", ".join(SOURCES)
        raise PhoqueError(
            f"Write a source as NAME=PATH, {WRITTEN} or {WRITTEN}=FOLDER, not {wrong[0]!r}. "
            f"Known: {known}."
        )
    folders = [where for name, _, where in named if name == WRITTEN]
    if len(folders) > 1:
        raise PhoqueError(
            f"{WRITTEN} is there {len(folders)} times. Put all files into one folder and give it once."
        )
    files = [(name, where) for name, _, where in named if name != WRITTEN]
    if files and persona in {*shipped_personas()} - {HOSTILE}:
        raise PhoqueError(
            f"{files[0][0]} holds hostile replies; the persona {persona!r} would learn them. Use only "
            f"written replies, or --persona {HOSTILE}."
        )
    if not folders:
        return files, None
    return files, Path(folders[0]) if folders[0] else shipped_folder(persona)
