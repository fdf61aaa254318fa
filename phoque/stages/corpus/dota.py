"""GosuAI's Dota 2 chats (Kaggle: romovpa/gosuai-dota-2-game-chats), about a million matches.

Nothing is labelled, and players write in many languages.
"""

from collections.abc import Iterator, Sequence

from phoque.stages.corpus.chats import HEARD, Chat, heard_rows
from phoque.stages.corpus.examples import Example
from phoque.stages.corpus.reading import Dropped, Row, converted, text_in

SCHEMA = ("match", "time", "slot", "text")
COLUMNS = Chat(chat="match", place="time", speaker="slot", text="text")


def load(where: str | Sequence[str], dropped: Dropped) -> Iterator[Example]:
    """Messages, each with the last one that another slot wrote in the match."""
    return converted(heard_rows(where, [SCHEMA], COLUMNS, dropped), _example, dropped)


def _example(row: Row) -> Example:
    return Example(source="dota", text=text_in(row, "text"), prompt=row[HEARD])
