"""Fields as clients send them: null is left out, and so is a value that asks for nothing."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator

Neutral = Callable[[Any], bool]
"""Whether a value of a field asks for nothing."""


class Fields(BaseModel):
    """An object of a request; what it asks for and is no field of ours is refused by name."""

    model_config = ConfigDict(
        extra="forbid", strict=True, hide_input_in_errors=True, allow_inf_nan=False
    )
    neutral: ClassVar[Mapping[str, Neutral]] = {}
    """Fields that are not offered, and which values of them change nothing."""

    @model_validator(mode="before")
    @classmethod
    def _asked_for(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {
            name: value
            for name, value in given.items()
            if value is not None and not cls.neutral.get(name, _never)(value)
        }


def empty(value: Any) -> bool:
    """False, 0, and a text, list or object without anything in it."""
    return not value


def flag(value: Any) -> bool:
    """True or false, as either is the same to a reply."""
    return isinstance(value, bool)


def zeros(value: Any) -> bool:
    """An object whose numbers are all 0."""
    return isinstance(value, dict) and not any(value.values())


def one_of(*values: Any) -> Neutral:
    """Any of these values."""
    return lambda value: value in values


def within(**defaults: Any) -> Neutral:
    """An object that says nothing but these defaults."""
    return lambda value: isinstance(value, dict) and value.items() <= defaults.items()


def _never(_: Any) -> bool:
    return False
