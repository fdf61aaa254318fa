"""CONDA (Weld et al. 2021): Dota 2 chat with intent classes. Its repository has no licence file.

Classes: E explicit toxicity, I implicit toxicity, A action, O other. The published files are
shuffled, and conversations are spread over the three of them; `Id` has the order. CONDA_test.csv has
no classes: its rows only say what others answer.
"""

import re
from collections.abc import Iterator, Sequence

from phoque.errors import PhoqueError
from phoque.stages.corpus.chats import HEARD, Chat, heard_rows
from phoque.stages.corpus.examples import Example
from phoque.stages.corpus.reading import Dropped, MalformedRowError, Row, converted, text_in

COLUMNS = Chat(chat="conversationId", place="Id", speaker="playerSlot", text="utterance")
UNLABELLED = ("Id", "conversationId", "utterance", "chatTime", "playerSlot")
LABEL = "intentClass"
SCHEMAS = ((*UNLABELLED, LABEL), UNLABELLED)
SEPARATOR = re.compile(r"\s*\[\s*SEPA\s*\]\s*", re.IGNORECASE)
"""Between messages of one player that were put together."""


def load(where: str | Sequence[str], dropped: Dropped) -> Iterator[Example]:
    """Utterances, each with the last one that another player wrote in the conversation.

    One of the files, or several, which are read as one; PhoqueError where no row is labelled.
    """
    heard = heard_rows(where, SCHEMAS, COLUMNS, dropped, _plain)
    return converted(_labelled(heard, where, dropped), _example, dropped)


def _labelled(rows: Iterator[Row], where: str | Sequence[str], dropped: Dropped) -> Iterator[Row]:
    any_label = False
    for row in rows:
        if LABEL in row:
            any_label = True
            yield row
        else:
            dropped["not labelled, read as context"] += 1
    if not any_label:
        files = where if isinstance(where, str) else ", ".join(where)
        raise PhoqueError(
            f"{files}: no row has {LABEL}. Give CONDA_train.csv or CONDA_valid.csv, beside it or "
            "instead: --source conda=FILE for each."
        )


def _plain(text: str) -> str:
    return SEPARATOR.sub(" ", text).strip()


def _example(row: Row) -> Example:
    intent = text_in(row, LABEL).strip()
    if intent not in {"E", "I", "A", "O"}:
        raise MalformedRowError(f"{LABEL} is none of E, I, A, O")
    labels = {"explicit": float(intent == "E"), "implicit": float(intent == "I")}
    text = text_in({"utterance": _plain(text_in(row, "utterance"))}, "utterance")
    return Example(
        source="conda",
        text=text,
        prompt=row[HEARD],
        labels={"toxicity": max(labels.values()), **labels},
        labelled_by="annotators",
    )
