"""Game chats: what was said, and what somebody else said before.

Rows are put in order by their own keys, whatever order their files are in; memory stays constant. Files
that are in order already, as a source of 21 million rows may be, are only read twice; others are sorted on
disk.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, pairwise

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
Key = tuple[int, bytes, float]
"""What rows are sorted by."""


@dataclass(frozen=True, kw_only=True)
class Chat:
    """Columns of a source of chats."""

    chat: str
    """Tells one chat from the next."""
    place: str
    """A number that rises within a chat."""
    speaker: str
    text: str

    def key(self, row: Row) -> Key:
        """What rows are sorted by: chat by chat, and in a chat as they were said.

        MalformedRowError where the row does not say its chat, its place or its speaker.
        """
        chat, _ = (_told(row, column) for column in (self.chat, self.speaker))
        # Numbers as numbers: published files are in that order. Bytes hold half a character, too.
        number, name = len(chat) if chat.isdecimal() else 0, chat.encode(errors="surrogatepass")
        return number, name, number_in(row, self.place)


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


def ordered(
    read: Callable[[Dropped], Iterator[Row]],
    key: Callable[[Row], Key],
    dropped: Dropped,
    files: tuple[str, ...],
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


def _sorted(rows: Iterator[Row], key: Callable[[Row], Key]) -> Iterator[Row]:
    # The name "" is a database on disk that is gone when it is closed.
    with closing(sqlite3.connect("")) as opened:
        opened.execute("CREATE TABLE rows (length, chat, place, row)")
        values = ((*key(row), json.dumps(row)) for row in rows)
        opened.executemany("INSERT INTO rows VALUES (?, ?, ?, ?)", values)
        in_order = opened.execute("SELECT row FROM rows ORDER BY length, chat, place, rowid")
        yield from (json.loads(row) for (row,) in in_order)
