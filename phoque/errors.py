"""The one error a person sees, and checks of what callers of the library give."""

from collections.abc import Iterable, Mapping
from types import UnionType
from typing import TypeVar

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


def _other_kind(subject: str, value: object, wanted: str) -> PhoqueError:
    seen = " ".join(repr(value).split())
    shown = seen if len(seen) <= SEEN else f"{seen[:SEEN]}…"
    return PhoqueError(f"{subject} {shown}; give {wanted}.")
