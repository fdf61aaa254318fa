"""Game chats: what was said, and what somebody else said before.

Rows are put in order by their own keys, whatever order their files are in; memory stays constant. Files
that are in order already, as a source of 21 million rows may be, are only read twice; others are sorted in
parts on disk.
"""

import heapq
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from typing import Any, TextIO

from phoque.inputs.rows import ABSENT
from phoque.stages.corpus.reading import (
    HUB,
    Dropped,
    MalformedRowError,
    Row,
    Schema,
    converted,
    number_in,
    read_rows,
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

        MalformedRowError where the row does not say its chat, its place or its speaker.
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

    A chat may be spread over the files, and the rows may be in any order. `plain` takes the source's
    marks out of a text.
    """
    files = (where,) if isinstance(where, str) else tuple(where)

    def with_key(row: Row) -> Row:
        columns.key(row)
        return row

    def read(told: Dropped) -> Iterator[Row]:
        rows = chain.from_iterable(read_rows(file, schemas, told) for file in files)
        return converted(rows, with_key, told)

    return with_heard(ordered(read, columns.key, dropped, files), columns, plain)


def with_heard(rows: Iterable[Row], columns: Chat, plain: Callable[[str], str]) -> Iterator[Row]:
    """The same of rows in the order they were said, chat by chat."""
    last: Row = {}
    heard: str | None = None
    for row in rows:
        if row[columns.chat] != last.get(columns.chat):
            heard = None
        elif row[columns.speaker] != last[columns.speaker]:
            heard = plain(str(last[columns.text] or "")) or None
        yield {**row, HEARD: heard}
        last = row


Key = Callable[[Row], tuple[Any, ...]]
ROWS_AT_ONCE = 100_000


def ordered(
    read: Callable[[Dropped], Iterator[Row]], key: Key, dropped: Dropped, files: tuple[str, ...]
) -> Iterator[Row]:
    """The rows in order of their keys; rows with equal keys stay in the order they were read.

    `read` gives the rows each time it is called, and tells the counter of those left out. What comes
    over a network is not read twice.
    """
    local = not any(where.startswith(HUB) for where in files)
    if local and all(one <= other for one, other in pairwise(map(key, read(Dropped())))):
        yield from read(dropped)
    else:
        yield from _sorted(read(dropped), key)


def _sorted(rows: Iterator[Row], key: Key) -> Iterator[Row]:
    with ExitStack() as stack:
        parts: list[Iterator[Row]] = []
        while part := sorted(islice(rows, ROWS_AT_ONCE), key=key):
            if len(part) == ROWS_AT_ONCE:
                file = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
                parts.append(_stored(part, file))
            else:
                parts.append(iter(part))
        yield from heapq.merge(*parts, key=key)


def _stored(rows: list[Row], file: TextIO) -> Iterator[Row]:
    file.writelines(json.dumps(row) + "\n" for row in rows)
    file.seek(0)
    return map(json.loads, file)
