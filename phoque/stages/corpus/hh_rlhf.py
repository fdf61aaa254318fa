"""Anthropic's hh-rlhf (Bai et al. 2022), MIT: the turn that annotators rejected.

Rejected means worse than another reply, not toxic: nothing is labelled here.
"""

import re
from collections.abc import Iterator
from itertools import groupby

from phoque.stages.corpus.examples import Example
from phoque.stages.corpus.reading import (
    Dropped,
    MalformedRowError,
    Row,
    converted,
    read_rows,
    text_in,
)

SCHEMA = ("chosen", "rejected")
HUMAN, ASSISTANT = "Human", "Assistant"
TURN = re.compile(rf"(?:\A|\n[^\S\n]*\n)\s*({HUMAN}|{ASSISTANT}):")
"""Where a turn begins, and whose it is."""
MARK = re.compile(rf"(?<![^\W_])(?:{HUMAN}|{ASSISTANT})\s*:")


def load(where: str, dropped: Dropped) -> Iterator[Example]:
    """Last rejected turns, each with the human turn before it."""
    return converted(read_rows(where, [SCHEMA], dropped), _example, dropped)


def turns(transcript: str) -> list[tuple[str, str]]:
    """Speaker and text of every turn; turns of one speaker in a row are one."""
    _, *parts = TURN.split(transcript.replace("\r\n", "\n"))
    said = zip(parts[::2], parts[1::2], strict=True)
    return [
        (speaker, "\n\n".join(filter(None, (text.strip() for _, text in own))))
        for speaker, own in groupby(said, key=lambda one: one[0])
    ]


def _example(row: Row) -> Example:
    found = turns(text_in(row, "rejected"))
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
