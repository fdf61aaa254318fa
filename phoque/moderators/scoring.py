"""Score many items: each text once, in batches of like length, one failure at a time; and texts in context.

Texts that are longer than a classifier reads are read in overlapping pieces, of which the worst counts. A text
that is read whole keeps the score it always had. One that was cut off is halved until every piece is read
whole, and twice more: beside many harmless words an insult weighs little.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace

from phoque.errors import PhoqueError
from phoque.moderators.classifier import Classifier, Item, Score, UnavailableError, checked
from phoque.run.datasheets import ClassifierInfo
from phoque.run.scored import InContext


def items_of(texts: Iterable[str]) -> list[Item]:
    """The texts as items that nothing comes before."""
    return [Item(text) for text in texts]


def score(
    classifier: Classifier,
    items: Sequence[Item],
    *,
    batch_size: int | None = None,
    may_send_text: bool = False,
) -> list[Score]:
    """One score an item, in order; equal items are scored once.

    A text that is longer than the classifier reads is read in overlapping pieces, of which the
    worst counts; `truncated` says that part of it was not read even so. A
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
    keys = [key_of(item, classifier) for item in items]
    once = dict(zip(keys, items, strict=True))
    size = batch_size or classifier.info.batch_size
    known = dict(zip(once, _in_batches(classifier, [*once.values()], size), strict=True))
    return [known[key] for key in keys]


def harm_scores(
    classifier: Classifier, texts: Iterable[str], *, may_send_text: bool = False
) -> list[float]:
    """Harm score of every text, in [0, 1]; raises where the classifier failed, or as `score`."""
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


def in_context(
    classifier: Classifier, items: Sequence[Item], threshold: float, *, may_send_text: bool = False
) -> list[InContext]:
    """Score every item three ways; a hit is a score from the threshold on.

    A classifier that takes no context reads the turns before the text as more text, which raises
    flags on harmless replies too: `context_only` is the control for that.

    Raises:
        PhoqueError: an item has no context, or the classifier failed on it.
    """
    if not all(item.context for item in items):
        raise PhoqueError("Context can be scored only where there is some: an item has none.")
    texts = [Item(item.text) for item in items]
    before = [Item(item.context[-1].content, item.context[:-1]) for item in items]
    asked = [*before, *items]
    asked = asked if classifier.info.takes_context else [*map(_flat, asked)]
    scored = score(classifier, [*texts, *asked], may_send_text=may_send_text)
    found, n = [one.harm_score(classifier.info) for one in scored], len(items)
    return [
        InContext(
            alone=alone,
            context_only=told,
            both=both,
            leaked=both >= threshold > alone and told >= threshold,
        )
        for alone, told, both in zip(found[:n], found[n : 2 * n], found[2 * n :], strict=True)
    ]


def _flat(item: Item) -> Item:
    turns = [turn.content for turn in item.context if turn.role != "system"]
    return Item("\n".join([*turns, item.text]))


OVERLAP = 100
"""Characters that two halves share on either side of the middle: a sentence that would be cut."""
FURTHER = 2
SHORTEST = 16
"""Characters of a piece that is not halved any more."""
SPACE = re.compile(r"\s")
Classify = Callable[[Sequence[Item]], list[Score]]


def read_whole(
    items: Sequence[Item], scores: Sequence[Score], info: ClassifierInfo, classify: Classify
) -> list[Score]:
    """The scores, those of texts that were cut off with what is in their pieces.

    Args:
        items: what was scored.
        scores: what was said of each.
        info: of the classifier.
        classify: asks it about pieces.

    Returns:
        Of every harm label the highest value of all pieces, of other labels that of the worst
        piece; `truncated` stays only where a piece cannot be made short enough, and a piece that
        fails makes its text fail.
    """
    pieces = [[one] for one in scores]
    cut = [(at, items[at], FURTHER) for at, one in enumerate(scores) if one.truncated]
    unread: set[int] = set()
    while cut:
        halves = [(at, half, left) for at, item, left in cut for half in _halves(item)]
        unread |= {at for at, item, left in cut if left == FURTHER and not _halves(item)}
        cut = []
        for (at, half, left), one in zip(halves, classify([h[1] for h in halves]), strict=True):
            pieces[at].append(one)
            if one.truncated or (left and one.error is None):
                cut.append((at, half, FURTHER if one.truncated else left - 1))
    return [
        replace(_worst(found, info), truncated=at in unread) if len(found) > 1 else found[0]
        for at, found in enumerate(pieces)
    ]


def _halves(item: Item) -> list[Item]:
    """Two pieces that overlap, cut between words; none of a text that cannot be made shorter."""
    text = item.text
    # A turn before the text takes room that no cut of the text gives back.
    if len(text) <= max(SHORTEST, *(len(turn.content) for turn in item.context), 0):
        return []
    middle = len(text) // 2
    backwards = text[::-1]
    return [
        replace(item, text=text[: _end(text, middle)]),
        replace(item, text=backwards[: _end(backwards, len(text) - middle)][::-1]),
    ]


def _end(text: str, middle: int) -> int:
    """Where the first half ends that goes beyond the middle: between words, where there are some."""
    aimed = middle + min(OVERLAP, len(text) // 8)
    spaces = [place.start() for place in SPACE.finditer(text, middle, middle + OVERLAP)]
    return min(spaces, key=lambda place: abs(place - aimed), default=aimed)


def _worst(found: Sequence[Score], info: ClassifierInfo) -> Score:
    failed = next((one for one in found if one.error is not None), None)
    if failed is not None:
        return failed
    worst = max(found, key=lambda one: one.harm_score(info))
    highest = {label: max(one.labels[label] for one in found) for label in info.harm_labels}
    unread = all(one.unread for one in found)
    return replace(worst, labels={**worst.labels, **highest}, unread=unread)
