"""CONDA (Weld et al. 2021): Dota 2 chat with intent classes. Its repository has no licence file.

Classes: E explicit toxicity, I implicit toxicity, A action, O other. CONDA_test.csv has none.
"""

from collections import Counter
from collections.abc import Iterator

from phoque.corpora.chats import HEARD, with_heard
from phoque.corpora.examples import Example
from phoque.corpora.reading import (
    Dropped,
    MalformedRowError,
    Row,
    examples_of,
    read_rows,
    text_in,
)

SCHEMA = ("conversationId", "utterance", "chatTime", "playerSlot", "intentClass")


def load(where: str, dropped: Dropped | None = None) -> Iterator[Example]:
    """Utterances, each with the last one that another player wrote in the conversation."""
    dropped = Counter() if dropped is None else dropped
    rows = read_rows(where, [SCHEMA], dropped)
    heard = with_heard(rows, "conversationId", "playerSlot", "utterance")
    return examples_of(heard, _example, dropped)


def _example(row: Row) -> Example:
    intent = text_in(row, "intentClass").strip()
    if intent not in {"E", "I", "A", "O"}:
        raise MalformedRowError("intentClass is none of E, I, A, O")
    labels = {"explicit": float(intent == "E"), "implicit": float(intent == "I")}
    return Example(
        source="conda",
        text=text_in(row, "utterance"),
        prompt=row[HEARD],
        labels={"toxicity": max(labels.values()), **labels},
        labelled_by="annotators",
    )
