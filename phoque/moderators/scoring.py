"""Score many items: each text once, in batches of like length, one failure at a time."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from phoque.conversation import Message
from phoque.errors import PhoqueError
from phoque.moderators.classifier import Classifier, Item, Score, UnavailableError, checked
from phoque.moderators.windows import read_whole


class ScoreCache:
    """The last `max_entries` scores, by text, context and digest of the classifier."""

    def __init__(self, max_entries: int = 100_000) -> None:
        self.max_entries = max_entries
        self._scores: OrderedDict[str, Score] = OrderedDict()

    def get(self, key: str) -> Score | None:
        """The score under `key`, if it is still known."""
        if key in self._scores:
            self._scores.move_to_end(key)
        return self._scores.get(key)

    def put(self, key: str, score: Score) -> None:
        """Remember a score; an error is not remembered, so that it is tried again."""
        if score.error is None:
            self._scores[key] = score
        while len(self._scores) > self.max_entries:
            self._scores.popitem(last=False)

    def __len__(self) -> int:
        return len(self._scores)


def items_of(texts: Iterable[str], context: Sequence[Message] = ()) -> list[Item]:
    """The texts as items that share their context."""
    return [Item(text, tuple(context)) for text in texts]


def score(
    classifier: Classifier,
    items: Sequence[Item],
    *,
    batch_size: int | None = None,
    cache: ScoreCache | None = None,
    may_send_text: bool = False,
) -> list[Score]:
    """One score an item, in order; equal items are scored once.

    A text that is longer than the classifier reads is read in overlapping pieces, of which the
    worst counts (`windows.py`); `truncated` says that part of it was not read even so. A
    classifier that fails on a batch is asked again item by item, so that one bad text costs only
    itself; what still fails has an `error` and no labels.

    Raises:
        PhoqueError: the text would leave this machine and `may_send_text` is not set.
        UnavailableError: the classifier as a whole does not work.
    """
    if classifier.info.sends_text_out and not may_send_text:
        raise PhoqueError(
            f"{classifier.info.id} sends every text to another machine. "
            "Allow that explicitly (may_send_text=True, --may-send-text), or choose another."
        )
    cache = ScoreCache(max_entries=len(items)) if cache is None else cache
    keys = [key_of(item, classifier) for item in items]
    known = {key: cache.get(key) for key in set(keys)}
    missing = {key: item for key, item in zip(keys, items, strict=True) if known[key] is None}
    size = batch_size or classifier.info.batch_size
    found = _in_batches(classifier, [*missing.values()], size)
    for key, scored_once in zip(missing, found, strict=True):
        known[key] = scored_once
        cache.put(key, scored_once)
    return [one for key in keys if (one := known[key]) is not None]


def harm_scores(
    classifier: Classifier, texts: Iterable[str], *, may_send_text: bool = False
) -> list[float]:
    """Harm score of every text, in [0, 1].

    Raises:
        PhoqueError: the classifier failed on a text, or may not be sent any.
    """
    found = score(classifier, items_of(texts), may_send_text=may_send_text)
    return [one.harm_score(classifier.info) for one in found]


def key_of(item: Item, classifier: Classifier) -> str:
    """Hex SHA-256 of all that the score depends on."""
    turns = [asdict(turn) for turn in item.context] if classifier.info.takes_context else []
    told = json.dumps([classifier.info.id, classifier.digest, turns, item.text])
    return hashlib.sha256(told.encode()).hexdigest()


def _in_batches(classifier: Classifier, items: Sequence[Item], size: int) -> list[Score]:
    """One score an item, of the whole text; batches are of like length, as they are padded."""

    def classified(asked: Sequence[Item]) -> list[Score]:
        found: dict[int, Score] = {}
        ordered = sorted(range(len(asked)), key=lambda at: len(asked[at].text))
        for start in range(0, len(ordered), size):
            batch = ordered[start : start + size]
            found |= zip(batch, _scores(classifier, [asked[at] for at in batch]), strict=True)
        return [found[at] for at in range(len(asked))]

    return read_whole(items, classified(items), classifier.info, classified)


def _scores(classifier: Classifier, items: list[Item]) -> list[Score]:
    try:
        found = [checked(one, classifier.info) for one in classifier.score_batch(items)]
        if len(found) == len(items):
            return found
        message = f"{classifier.info.id} gave {len(found)} scores for {len(items)} texts."
    except UnavailableError:
        raise
    # Whatever a classifier raises belongs to its items.
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
    if len(items) == 1:
        return [Score(labels={}, error=message)]
    return [one for item in items for one in _scores(classifier, [item])]
