"""A stream of texts as a stream of scores: one plain record a text, in order, in constant memory."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from phoque.errors import PhoqueError
from phoque.moderators.canonical import canonicalise
from phoque.moderators.classifier import Classifier, Score
from phoque.moderators.reading import NoText, no_text
from phoque.moderators.scoring import items_of, score

BATCHES_AT_ONCE = 4
"""Batches of the slowest classifier that are scored before the first of their records is told."""
CHARACTERS_AT_ONCE = 1_000_000
ROW = "row"
"""Stands in `error` for a row that has no text, where the id of a classifier stands otherwise."""
Read = str | NoText
Record = dict[str, Any]


def scored(
    texts: Iterable[Read],
    classifiers: Sequence[Classifier],
    *,
    canonical: bool = False,
    may_send_text: bool = False,
) -> Iterator[Record]:
    """What every classifier says of every text.

    A record has `index` (from 0), `harm_score` of the first classifier, and `classifiers`: the
    labels of each by its id. Where a classifier failed its labels are null, the reason is in
    `error` by its id, and a harm score that would have been its is null, never 0. The same holds
    of all of them where a row has no text: the reason is in `error` under `row`. `truncated` is a
    list of the classifiers that could not read all of a text; it is left out where there is none.
    With `canonical`, the same about the canonical form of the text is under that name.

    Raises:
        PhoqueError: a classifier does not work at all, or may not be sent text.
    """
    index = 0
    at_once = BATCHES_AT_ONCE * min(one.info.batch_size for one in classifiers)
    for chunk in _chunks(texts, at_once):
        forms = [chunk, [_canonical(one) for one in chunk]] if canonical else [chunk]
        both = [one for form in forms for one in form]
        records = _records(both, classifiers, may_send_text=may_send_text)
        for place, record in enumerate(records[: len(chunk)]):
            more = {"canonical": records[len(chunk) + place]} if canonical else {}
            yield {"index": index} | record | more
            index += 1


def _canonical(one: Read) -> Read:
    text = one if isinstance(one, NoText) else canonicalise(one)
    return text if isinstance(text, NoText) else no_text(text) or text


def _records(
    read: Sequence[Read], classifiers: Sequence[Classifier], *, may_send_text: bool
) -> list[Record]:
    texts = [one for one in read if isinstance(one, str)]
    found = [score(one, items_of(texts), may_send_text=may_send_text) for one in classifiers]
    scores = zip(*found, strict=True)
    return [
        _unread(classifiers, one) if isinstance(one, NoText) else _record(classifiers, next(scores))
        for one in read
    ]


def _unread(classifiers: Sequence[Classifier], why: NoText) -> Record:
    nothing = dict.fromkeys(one.info.id for one in classifiers)
    return {"harm_score": None, "classifiers": nothing, "error": {ROW: why.reason}}


def _record(classifiers: Sequence[Classifier], scores: Sequence[Score]) -> Record:
    infos = [one.info for one in classifiers]
    by_id = {info.id: one for info, one in zip(infos, scores, strict=True)}
    errors = {name: one.error for name, one in by_id.items() if one.error is not None}
    truncated = [name for name, one in by_id.items() if one.truncated]
    record: Record = {
        "harm_score": None if scores[0].error is not None else scores[0].harm_score(infos[0]),
        "classifiers": {
            name: dict(one.labels) if one.error is None else None for name, one in by_id.items()
        },
    }
    return (
        record
        | ({"error": errors} if errors else {})
        | ({"truncated": truncated} if truncated else {})
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
