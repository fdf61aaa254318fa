"""Anthropic's hh-rlhf (Bai et al. 2022), MIT: the turn that annotators rejected.

Rejected means worse than another reply, not toxic: nothing is labelled here.
"""

from collections import Counter
from collections.abc import Iterator

from phoque.corpora.examples import Example
from phoque.corpora.reading import (
    Dropped,
    MalformedRowError,
    Row,
    examples_of,
    read_rows,
    text_in,
)

SCHEMA = ("chosen", "rejected")


def load(where: str, dropped: Dropped | None = None) -> Iterator[Example]:
    """Last rejected turns, each with the human turn before it."""
    dropped = Counter() if dropped is None else dropped
    return examples_of(read_rows(where, [SCHEMA], dropped), _example, dropped)


def _example(row: Row) -> Example:
    before, _, reply = text_in(row, "rejected").rpartition("\n\nAssistant:")
    _, human, prompt = before.rpartition("\n\nHuman:")
    if not (human and prompt.strip() and reply.strip()):
        raise MalformedRowError("no human turn before a last turn of the assistant")
    return Example(source="hh-rlhf", text=reply.strip(), prompt=prompt.strip())
