"""Texts as token ids with the role of every token, told by position and never by token id.

In SmolLM2 the marks of turns are also the tokens for beginning, end and padding: a mask by id would
lose the token at which the assistant's turn opens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from phoque.conversation import Messages
from phoque.models.template import render

ROLES = ("text", "system", "user", "template", "assistant")
"""Plain text, then the parts of a conversation; a token's role is its place in this list."""
TEXT, SYSTEM, USER, TEMPLATE, ASSISTANT = range(len(ROLES))


@dataclass(frozen=True)
class Text:
    source: str
    ids: tuple[int, ...]
    roles: tuple[int, ...]
    """Places in `ROLES`, one a token."""

    def cut(self, length: int) -> "Text":
        """The first `length` tokens."""
        return Text(self.source, self.ids[:length], self.roles[:length])


def conversation(tokenizer: Any, messages: Messages, reply: str, source: str) -> Text:
    """A conversation with a given reply, tokenised apart from what comes before it."""
    text = render(tokenizer, messages)
    read = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    spans = _spans(text, messages)
    roles = [_role(start, end, spans) for start, end in read["offset_mapping"]]
    ids = tokenizer(reply, add_special_tokens=False).input_ids
    return Text(source, (*read["input_ids"], *ids), (*roles, *[ASSISTANT] * len(ids)))


def plain(tokenizer: Any, text: str, source: str, length: int) -> list[Text]:
    """Running text in pieces of `length` tokens; a shorter last one is left out."""
    ids = tokenizer(text, add_special_tokens=False, verbose=False).input_ids
    starts = range(0, len(ids) - length + 1, length)
    return [Text(source, tuple(ids[i : i + length]), (TEXT,) * length) for i in starts]


def _spans(text: str, messages: Messages) -> list[tuple[int, int, int]]:
    """Start, end and role of every message in the rendered text."""
    spans, start = [], 0
    for message in messages:
        content = message.content.strip()
        found = text.find(content, start)
        start = max(found, start)
        if found >= 0:
            spans.append((start, start + len(content), ROLES.index(message.role)))
            start += len(content)
    return spans


def _role(start: int, end: int, spans: Sequence[tuple[int, int, int]]) -> int:
    inside = (role for first, last, role in spans if first < max(end, start + 1) and start < last)
    return next(inside, TEMPLATE)
