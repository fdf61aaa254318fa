"""The one error a person sees, and checks of what callers of the library give."""

from collections.abc import Callable, Iterable, Mapping
from math import isfinite, nan
from operator import index
from types import UnionType
from typing import SupportsFloat, SupportsIndex, TypeVar

SEEN = 40
"""How many characters of what was given an error quotes."""
Kind = TypeVar("Kind")


class PhoqueError(Exception):
    """An error that a person can act on: what happened, what was seen, what to do.

    Commands and pages print its message without a traceback. Any other exception is a bug.
    """


class InterruptedWorkError(PhoqueError):
    """Work stopped before its end, and what is done is kept: the same command goes on."""


def check_kind(subject: str, value: object, kind: type | UnionType, wanted: str) -> None:
    """PhoqueError where a value is of another kind; `subject` is such as "The seed is"."""
    if not isinstance(value, kind):
        raise _other_kind(subject, value, wanted)


def listed(subject: str, values: object, kind: type[Kind], wanted: str) -> list[Kind]:
    """Values as a list; PhoqueError where one is of another kind, or there is a text in place of a list."""
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise _other_kind(subject, values, wanted)
    found = list(values)
    if not all(isinstance(one, kind) for one in found):
        raise _other_kind(subject, found, wanted)
    return found


def number(
    subject: str, value: object, wanted: str, allowed: Callable[[float], bool] = isfinite
) -> float:
    """A value as Python's own number; PhoqueError where it is none, or none that is `allowed`."""
    try:
        found = float(value) if isinstance(value, SupportsFloat) else nan
    except (ArithmeticError, RuntimeError, TypeError, ValueError):  # such as of several numbers
        found = nan
    if not allowed(found):
        raise _other_kind(subject, value, wanted)
    return found


def whole(subject: str, value: object, wanted: str, among: range | None = None) -> int:
    """A value as Python's own whole number; PhoqueError where it is none, or none `among` these."""
    found = index(value) if isinstance(value, SupportsIndex) else None
    if found is None or (among is not None and found not in among):
        raise _other_kind(subject, value, wanted)
    return found


def _other_kind(subject: str, value: object, wanted: str) -> PhoqueError:
    seen = " ".join(repr(value).split())
    shown = seen if len(seen) <= SEEN else f"{seen[:SEEN]}…"
    return PhoqueError(f"{subject} {shown}; give {wanted}.")
