"""Game chats: what was said, and what somebody else said before."""

from collections.abc import Iterable, Iterator

from phoque.corpora.reading import Row

HEARD = "heard"
"""Column for the last message of another speaker; None where there is none."""


def with_heard(rows: Iterable[Row], chat: str, speaker: str, text: str) -> Iterator[Row]:
    """Every row with what another speaker last wrote in the same chat.

    Args:
        rows: in the order they were said, chat by chat.
        chat: column that tells one chat from the next.
        speaker: column with who speaks.
        text: column with what is said.
    """
    last: Row = {}
    heard: str | None = None
    for row in rows:
        if row[chat] != last.get(chat):
            heard = None
        elif row[speaker] != last[speaker]:
            heard = last[text]
        yield {**row, HEARD: heard}
        last = row
