"""A moderator whose decisions were made elsewhere and are read from a file; what it does not hold is unknown."""

from collections.abc import Sequence
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.files import file_sha256
from phoque.inputs.pairs import Answers, read_pairs, verdict
from phoque.moderators.classifier import Item, Score
from phoque.run.datasheets import ClassifierInfo

TEXT, VERDICT = "text", "verdict"
LABEL = "flagged"
NOT_THERE = "the file has no decision about this text"


class Decided:
    """Verdicts by text: 1 where it was flagged, 0 where it passed."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            PhoqueError: it cannot be read, holds no row, a verdict is no yes, no or score, or one
                text has two verdicts.
        """
        self._known = _known(path)
        if not self._known:
            raise PhoqueError(f"{path} holds no decision. Give rows of {TEXT} and {VERDICT}.")
        self.digest = file_sha256(path)
        self.info = ClassifierInfo(
            id=path.name,
            version=self.digest[:16],
            source="lexicon",
            construct="decisions made elsewhere",
            labels=(LABEL,),
            harm_labels=(LABEL,),
            languages=("not told",),
            licence="not told",
            training_data="not told",
            blind_spots="Nothing is known of texts that the file does not hold.",
            batch_size=1024,
        )

    def score_batch(self, items: Sequence[Item]) -> list[Score]:
        """One label; an error where the file has no decision."""
        found = [self._known.get(item.text) for item in items]
        return [
            Score(labels={}, error=NOT_THERE) if one is None else Score(labels={LABEL: one})
            for one in found
        ]


def _known(path: Path) -> dict[str, float | None]:
    """The score of each text; a row without one takes nothing from another row of its text."""
    known: dict[str, float | None] = {}
    answers = Answers(path, VERDICT)
    for line, text, word in read_pairs(path, TEXT, VERDICT):
        known.setdefault(text, None)
        if (score := _score(word, path, line)) is not None:
            answers.add(line, text, score)
            known[text] = score
    return known


def _score(word: str, path: Path, line: int) -> float | None:
    if not word.strip():
        return None
    if (said := verdict(word)) is not None:
        return float(said)
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if 0 <= value <= 1:
        return value
    raise PhoqueError(
        f"{path}, line {line}: the verdict is {word[:40]!r}. "
        "Give flagged or passes, true or false, or a score from 0 to 1; empty where there is none."
    )
