"""Texts that are longer than a classifier reads: in overlapping pieces, of which the worst counts.

A text that is read whole keeps the score it always had. One that was cut off is halved until every
piece is read whole, and twice more: beside many harmless words an insult weighs little.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from phoque.moderators.classifier import Item, Score
from phoque.run.datasheets import ClassifierInfo

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
    return replace(worst, labels={**worst.labels, **highest})
