"""GosuAI's Dota 2 chats (Kaggle: romovpa/gosuai-dota-2-game-chats), about a million matches.

Nothing is labelled, and players write in many languages.
"""

from collections import Counter
from collections.abc import Iterator

from phoque.corpora.chats import HEARD, with_heard
from phoque.corpora.examples import Example
from phoque.corpora.reading import Dropped, Row, examples_of, read_rows, text_in

SCHEMA = ("match", "time", "slot", "text")


def load(where: str, dropped: Dropped | None = None) -> Iterator[Example]:
    """Messages, each with the last one that another slot wrote in the match."""
    dropped = Counter() if dropped is None else dropped
    rows = read_rows(where, [SCHEMA], dropped)
    return examples_of(with_heard(rows, "match", "slot", "text"), _example, dropped)


def _example(row: Row) -> Example:
    return Example(source="dota", text=text_in(row, "text"), prompt=row[HEARD])
