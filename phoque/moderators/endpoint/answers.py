"""From a JSON answer to the scores of a text; what cannot be read is told, and never a pass."""

import re
from math import isfinite
from typing import Any

from phoque.moderators.endpoint.description import EVERY, Answer, parsed, values_at

LABEL = "flagged"
SHOWN = 120
"""Characters that are told of an answer in which nothing was found."""


class UnreadableError(ValueError):
    """An answer in which the verdict does not stand where it should."""

    partly = False
    """Whether other verdicts of the same answer do, so that the paths are right."""


def scores_in(answer: Answer, said: Any, count: int) -> list[dict[str, float]]:
    """The labels of every text of a request, in [0, 1]: `flagged`, and scores that have names.

    Raises:
        UnreadableError: a verdict is missing, is of another kind, or there are too few of them.
    """
    entries = [said] if answer.each is None else _entries(said, answer.each)
    if len(entries) != count:
        raise UnreadableError(f"{count} texts were sent, and {len(entries)} verdicts came back")
    found, wrong = [], None
    for entry in entries:
        try:
            found.append(_named(answer, entry) | {LABEL: _score(answer, entry)})
        except UnreadableError as error:
            wrong = wrong or error
    if wrong:
        wrong.partly = bool(found)
        raise wrong
    return found


def _entries(said: Any, each: str) -> list[Any]:
    if not (found := values_at(said, parsed(each))):
        raise UnreadableError(f"nothing at each: {each}; the answer is {_seen(said)}")
    whole = len(found) == 1 and isinstance(found[0], list)
    return found[0] if whole else found


def _seen(said: Any) -> str:
    """What an answer is, without its values, which may repeat what was sent."""
    if isinstance(said, dict):
        return f"an object with {', '.join(map(repr, said))}"[:SHOWN] if said else "an empty object"
    if isinstance(said, list):
        return f"a list of {len(said)}"
    return "null" if said is None else f"a {type(said).__name__}"


def _named(answer: Answer, entry: Any) -> dict[str, float]:
    """The scores by name, where every value of an object is one."""
    path = parsed(answer.score or "")
    found = values_at(entry, path[:-1]) if path[-1:] == (EVERY,) else []
    named = found[0] if found and isinstance(found[0], dict) else {}
    return {name: _number(answer, value) for name, value in named.items()}


def _score(answer: Answer, entry: Any) -> float:
    if answer.verdict is not None:
        return _of_word(answer, _at(entry, answer.verdict))
    values = _at(entry, answer.score or "")
    if answer.label is not None:
        labels = _at(entry, answer.label)
        if len(labels) != len(values):
            raise UnreadableError(f"{len(labels)} labels and {len(values)} scores")
        pairs = zip(labels, values, strict=True)
        values = [value for label, value in pairs if label in answer.harm_labels]
        if not values:
            raise UnreadableError(f"none of the labels {', '.join(answer.harm_labels)}")
    return max(_number(answer, value) for value in values)


def _at(entry: Any, path: str) -> list[Any]:
    if not (found := values_at(entry, parsed(path))):
        raise UnreadableError(f"nothing at {path}")
    return found


def _number(answer: Answer, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise UnreadableError(f"{str(value)[:40]!r} is no number")
    low, high = answer.scale
    if not low <= value <= high:
        raise UnreadableError(f"{value} is not between {low:g} and {high:g}")
    return (value - low) / (high - low)


def _of_word(answer: Answer, found: list[Any]) -> float:
    value = found[0]
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and answer.flagged_if and answer.passes_if:
        flags, passes = (
            bool(re.search(pattern, value)) for pattern in (answer.flagged_if, answer.passes_if)
        )
        if flags != passes:
            return float(flags)
    raise UnreadableError(f"{str(value)[:40]!r} is no verdict")
