"""Fields as clients send them: null and values without effect count as left out."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator

Neutral = Callable[[Any], bool]
"""Says whether a value of a field has no effect."""


class Fields(BaseModel):
    """An object of a request; an unknown field with an effect is refused by name."""

    model_config = ConfigDict(
        extra="forbid", strict=True, hide_input_in_errors=True, allow_inf_nan=False
    )
    neutral: ClassVar[Mapping[str, Neutral]] = {}
    """Fields that are not offered, and which of their values have no effect."""

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
    """False, 0, and an empty text, list or object."""
    return not value


def flag(value: Any) -> bool:
    """True or false: neither changes a reply."""
    return isinstance(value, bool)


def zeros(value: Any) -> bool:
    """An object whose numbers are all 0."""
    return isinstance(value, dict) and not any(value.values())


def one_of(*values: Any) -> Neutral:
    """Any of these values."""
    return lambda value: value in values


def within(**defaults: Any) -> Neutral:
    """An object with nothing but these defaults."""
    return lambda value: isinstance(value, dict) and value.items() <= defaults.items()


def _never(_: Any) -> bool:
    return False
