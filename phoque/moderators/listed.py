"""A word list as a classifier: 1 when a listed word occurs, 0 when not."""

import hashlib
import json
from collections.abc import Sequence

from phoque.lexicon import Lexicon
from phoque.moderators.catalogue import LEXICON
from phoque.moderators.classifier import Item, Score
from phoque.moderators.wheels import installed_file

FILE = "glin_profanity/data/dictionaries/english.json"
SHA256 = "0163c569bbe4dc868655154c1fff4157ed00c4cf8d3d1bc8218795c701545e0e"


class ListedWords:
    """Flags a text that has a listed word; naming a group is not harm unless it is listed."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon, self.info = lexicon, LEXICON
        self.digest = hashlib.sha256("\n".join(lexicon.entries).encode()).hexdigest()[:16]

    def score_batch(self, items: Sequence[Item]) -> list[Score]:
        """One label, `obscene`, 0 or 1."""
        return [Score(labels={"obscene": float(item.text in self._lexicon)}) for item in items]


def load() -> ListedWords:
    """The English list of the installed wheel, read from there at run time."""
    return ListedWords(Lexicon(words()))


def words() -> list[str]:
    """The words and phrases of the list."""
    listed: list[str] = json.loads(installed_file(LEXICON.version, FILE, sha256=SHA256))["words"]
    return listed
