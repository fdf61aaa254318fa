"""A stream of texts as a stream of scores: one record a text, in order, in constant memory."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from phoque.errors import PhoqueError
from phoque.moderators.canonical import canonicalise
from phoque.moderators.classifier import Classifier, Score
from phoque.moderators.reading import EMPTY, NoText, no_text
from phoque.moderators.scoring import items_of, score
from phoque.run.record import Part

BATCHES_AT_ONCE = 4
"""Batches of the slowest classifier that are scored before the first of their records is told."""
CHARACTERS_AT_ONCE = 1_000_000
ROW = "row"
"""Stands in `error` for a row that has no text, where the id of a classifier stands otherwise."""
NOTHING, UNREAD = "empty", "that could not be read or hold no text"
REFUSED = "on which a classifier failed"
Read = str | NoText


class Line(Part):
    """What every classifier says of one text."""

    harm_score: float | None
    """Of the first classifier; None where it failed, never 0."""
    classifiers: Mapping[str, Mapping[str, float] | None]
    """The labels of each by its id; None where it failed."""
    error: Mapping[str, str] = {}
    """Why a classifier failed, by its id; under `row` why there is no text."""
    truncated: tuple[str, ...] = ()
    """The classifiers that could not read all of the text."""
    unread: tuple[str, ...] = ()
    """The classifiers that know no word of the text: their scores say nothing about it."""
    canonical: "Line | None" = None
    """The same of the canonical form of the text."""

    def json_line(self, index: int) -> str:
        """As JSON with the number of the text; what has nothing to say is left out."""
        return json.dumps({"index": index} | self.model_dump(exclude_defaults=True))

    @property
    def forms(self) -> list["Line"]:
        """The text as it is, and canonical."""
        return [self, self.canonical] if self.canonical else [self]


def scored(
    texts: Iterable[Read],
    classifiers: Sequence[Classifier],
    *,
    canonical: bool = False,
    may_send_text: bool = False,
) -> Iterator[Line]:
    """What every classifier says of every text, and with `canonical` of its canonical form.

    Raises as `score`.
    """
    at_once = BATCHES_AT_ONCE * min(one.info.batch_size for one in classifiers)
    for chunk in _chunks(texts, at_once):
        forms = [*chunk, *map(_canonical, chunk)] if canonical else chunk
        lines = _lines(forms, classifiers, may_send_text=may_send_text)
        for place, line in enumerate(lines[: len(chunk)]):
            twin = lines[len(chunk) + place] if canonical else None
            yield line.model_copy(update={"canonical": twin})


def _canonical(one: Read) -> Read:
    if isinstance(one, NoText):
        return one
    text = canonicalise(one)
    return no_text(text) or text


def _lines(
    read: Sequence[Read], classifiers: Sequence[Classifier], *, may_send_text: bool
) -> list[Line]:
    texts = [one for one in read if isinstance(one, str)]
    found = [score(one, items_of(texts), may_send_text=may_send_text) for one in classifiers]
    scores = zip(*found, strict=True)
    nothing = dict.fromkeys(one.info.id for one in classifiers)
    return [
        Line(harm_score=None, classifiers=nothing, error={ROW: one.reason})
        if isinstance(one, NoText)
        else _line(classifiers, next(scores))
        for one in read
    ]


def _line(classifiers: Sequence[Classifier], scores: Sequence[Score]) -> Line:
    first = classifiers[0].info
    by_id = {one.info.id: found for one, found in zip(classifiers, scores, strict=True)}
    failed = {name: one.error for name, one in by_id.items() if one.error is not None}
    return Line(
        harm_score=None if first.id in failed else scores[0].harm_score(first),
        classifiers={n: None if n in failed else dict(one.labels) for n, one in by_id.items()},
        error=failed,
        truncated=tuple(name for name, one in by_id.items() if one.truncated),
        unread=tuple(name for name, one in by_id.items() if one.unread),
    )


def _chunks(texts: Iterable[Read], at_once: int) -> Iterator[list[Read]]:
    """The texts in lists that are short in texts and in characters."""
    chunk: list[Read] = []
    characters = 0
    try:
        for text in texts:
            chunk.append(text)
            characters += len(text) if isinstance(text, str) else 0
            if len(chunk) == at_once or characters >= CHARACTERS_AT_ONCE:
                yield chunk
                chunk, characters = [], 0
    except PhoqueError:
        # What came before a place from which nothing can be read is scored all the same.
        yield chunk
        raise
    if chunk:
        yield chunk


class Tally:
    """What became of the rows of a stream while it was scored, and how far it is."""

    def __init__(self) -> None:
        self._read = self._scored = self._cut = self._unread = 0
        self._without: Counter[str] = Counter()

    @property
    def failed(self) -> int:
        """Rows that lack a score."""
        return self._without.total()

    def reading(self, texts: Iterable[Read]) -> Iterator[Read]:
        """The texts, counted."""
        for text in texts:
            self._read += 1
            yield text

    def add(self, line: Line) -> None:
        """Count a line of `scored`."""
        self._scored += 1
        self._cut += any(one.truncated for one in line.forms)
        self._unread += bool(line.unread)
        if error := next((one.error for one in line.forms if one.error), None):
            why = error.get(ROW)
            self._without[REFUSED if why is None else NOTHING if why == EMPTY else UNREAD] += 1

    def share(self, read: float | None) -> float | None:
        """How much of a file is scored, of which this share was read; None where nobody knows."""
        return None if read is None else read * self._scored / max(self._read, 1)

    def told(self) -> Iterator[str]:
        """What a person must know at the end."""
        if self._cut:
            yield (
                f"Note: {self._cut} of {self._scored} texts are longer than a classifier reads even "
                "in pieces: see truncated."
            )
        if self._unread:
            yield (
                f"Note: a classifier knows no word of {self._unread} of {self._scored} texts, and its low scores "
                "say nothing about them: see unread."
            )
        if self.failed:
            kinds = ", ".join(f"{number} {kind}" for kind, number in self._without.most_common())
            yield f"Error: {self.failed} of {self._scored} texts lack a score: {kinds}."
