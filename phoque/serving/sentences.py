"""What is wrong with a field, in words for the author of the request."""

from collections.abc import Mapping

from pydantic_core import ErrorDetails

SAID: Mapping[str, str] = {
    "bool_type": "give true or false",
    "dict_type": "give an object",
    "extra_forbidden": "is not supported by this server; leave it out",
    "finite_number": "give a finite number",
    "float_type": "give a number",
    "greater_than": "give more than {gt:g}",
    "greater_than_equal": "give at least {ge:g}",
    "int_from_float": "give a whole number",
    "int_type": "give a whole number",
    "json_invalid": "the body is not JSON",
    "less_than_equal": "give at most {le:g}",
    "list_type": "give a list",
    "literal_error": "give {expected}",
    "missing": "is missing",
    "model_type": "give an object",
    "string_too_long": "give at most {max_length} characters",
    "string_too_short": "give a text, or leave it out",
    "string_type": "give a text",
    "too_long": "give at most {max_length}",
    "too_short": "give at least {min_length}",
}
OURS = {"content", "text_only"}
"""Errors of our own checks, which have their own words."""


def sentence(error: ErrorDetails) -> str:
    """What to do about pydantic's error; never quotes what was sent."""
    if error["type"] in OURS:
        return error["msg"]
    return SAID.get(error["type"], "cannot be read").format(**error.get("ctx", {}))
