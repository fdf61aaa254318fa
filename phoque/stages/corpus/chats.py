"""Game chats: what was said, and what somebody else said before."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from phoque.inputs.rows import ABSENT
from phoque.stages.corpus.ordering import ordered
from phoque.stages.corpus.reading import (
    Dropped,
    MalformedRowError,
    Row,
    Schema,
    number_in,
    read_rows,
    rows_with,
)

HEARD = "heard"
"""Column for the last message of another speaker; None where there is none."""


@dataclass(frozen=True, kw_only=True)
class Chat:
    """Columns of a source of chats."""

    chat: str
    """Tells one chat from the next."""
    place: str
    """A number that rises within a chat."""
    speaker: str
    text: str

    def key(self, row: Row) -> tuple[Any, ...]:
        """What rows are sorted by: chat by chat, and in a chat as they were said.

        Raises:
            MalformedRowError: the row does not say its chat, its place or its speaker.
        """
        chat, _ = (_told(row, column) for column in (self.chat, self.speaker))
        # Numbers as numbers: published files are in that order.
        return (len(chat) if chat.isdecimal() else 0, chat, number_in(row, self.place))


def _told(row: Row, column: str) -> str:
    value = row[column]
    told = "" if value is None else str(value).strip()
    if not told or told in ABSENT:
        raise MalformedRowError(f"no {column}")
    return told


def heard_rows(
    where: str | Sequence[str],
    schemas: Sequence[Schema],
    columns: Chat,
    dropped: Dropped,
    plain: Callable[[str], str] = str,
) -> Iterator[Row]:
    """Every row of one or several files with what another speaker last wrote in the same chat.

    A chat may be spread over the files, and the rows may be in any order.

    Args:
        where: files, or sets of the Hub.
        schemas: of the source.
        columns: what tells chats, order and speakers.
        dropped: is told of the rows left out.
        plain: takes the source's marks out of a text.
    """
    files = (where,) if isinstance(where, str) else tuple(where)

    def read(told: Dropped) -> Iterator[Row]:
        rows = chain.from_iterable(read_rows(file, schemas, told) for file in files)
        return rows_with(rows, columns.key, told)

    return with_heard(ordered(read, columns.key, dropped, files), columns, plain)


def with_heard(rows: Iterable[Row], columns: Chat, plain: Callable[[str], str]) -> Iterator[Row]:
    """Every row with what another speaker last wrote in the same chat.

    Args:
        rows: in the order they were said, chat by chat.
        columns: what tells chats and speakers.
        plain: takes the source's marks out of a text.
    """
    last: Row = {}
    heard: str | None = None
    for row in rows:
        if row[columns.chat] != last.get(columns.chat):
            heard = None
        elif row[columns.speaker] != last[columns.speaker]:
            heard = plain(str(last[columns.text] or "")) or None
        yield {**row, HEARD: heard}
        last = row
