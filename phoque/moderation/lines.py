"""A stream of texts as a stream of scores: one plain record a text, in order, in constant memory."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from phoque.errors import PhoqueError
from phoque.moderation.classifier import Classifier, Score
from phoque.moderation.scoring import items_of, score

TEXTS_AT_ONCE = 1024
CHARACTERS_AT_ONCE = 1_000_000


def scored(
    texts: Iterable[str], classifiers: Sequence[Classifier], *, may_send_text: bool = False
) -> Iterator[dict[str, Any]]:
    """What every classifier says of every text.

    A record has `index` (from 0), `harm_score` of the first classifier, and `classifiers`: the
    labels of each by its id. Where a classifier failed its labels are null, the reason is in
    `error` by its id, and a harm score that would have been its is null, never 0.

    Raises:
        PhoqueError: a classifier does not work at all, or may not be sent text.
    """
    index = 0
    for chunk in _chunks(texts):
        found = [score(one, items_of(chunk), may_send_text=may_send_text) for one in classifiers]
        for scores in zip(*found, strict=True):
            yield {"index": index} | _record(classifiers, scores)
            index += 1


def _record(classifiers: Sequence[Classifier], scores: Sequence[Score]) -> dict[str, Any]:
    infos = [one.info for one in classifiers]
    errors = {
        info.id: one.error for info, one in zip(infos, scores, strict=True) if one.error is not None
    }
    record: dict[str, Any] = {
        "harm_score": None if scores[0].error is not None else scores[0].harm_score(infos[0]),
        "classifiers": {
            info.id: dict(one.labels) if one.error is None else None
            for info, one in zip(infos, scores, strict=True)
        },
    }
    return record | ({"error": errors} if errors else {})


def _chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    """The texts in lists that are short in texts and in characters."""
    chunk: list[str] = []
    characters = 0
    try:
        for text in texts:
            chunk.append(text)
            characters += len(text)
            if len(chunk) == TEXTS_AT_ONCE or characters >= CHARACTERS_AT_ONCE:
                yield chunk
                chunk, characters = [], 0
    except PhoqueError:
        # What came before a line that cannot be read is scored all the same.
        yield chunk
        raise
    if chunk:
        yield chunk
