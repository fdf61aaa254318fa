"""What a person writes as YAML: typed, strict, and refused in one line that names line and field."""

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    TypeAdapter,
    ValidationError,
    create_model,
)

from phoque.errors import PhoqueError

S = TypeVar("S")
KINDS = {
    "list_type": "a list",
    "string_type": "a text (quote numbers, yes and no)",
    "tuple_type": "a list",
}
"""What pydantic calls otherwise."""


class Part(BaseModel):
    """A value inside a record or a file; it cannot be changed, and it knows every key it may have."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def differing(self, other: Self) -> list[str]:
        """Names of the fields in which another one differs."""
        names = sorted(type(self).model_fields)
        return [name for name in names if getattr(self, name) != getattr(other, name)]


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("the text is empty")
    return text


Text = Annotated[str, AfterValidator(_said)]
Texts = tuple[Text, ...]


def read_settings(path: Path, kind: type[S]) -> S:
    """The content of a YAML file as what `kind` says it is: a `Part`, or a list of them.

    PhoqueError where it cannot be read, a field is unknown or missing, or a value is not allowed.
    """
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        if (loaded := yaml.safe_load(text)) is None:
            raise PhoqueError(f"The file {path} is empty.")
        # As JSON, because only there is a list a tuple, and a number never a text or yes.
        return TypeAdapter(kind).validate_json(json.dumps(loaded, default=_as_written), strict=True)
    except ValidationError as error:
        raise PhoqueError(f"{path}, line {_line(text, error)}: {_told(error)}") from error
    except (OSError, UnicodeError, TypeError, ValueError, yaml.YAMLError) as error:
        said = " ".join(str(error).split())
        raise PhoqueError(f"{path} cannot be read as YAML: {said}") from error


def _as_written(value: Any) -> str:
    """A date, which YAML makes of 2026-07-31, as the text that stands in the file."""
    if isinstance(value, date):
        return str(value)
    raise TypeError(f"{value!r} is no value that is known here")


def read_lists(path: Path, names: Iterable[str]) -> dict[str, list[str]]:
    """Lists of texts by these names, and no others; PhoqueError as `read_settings`."""
    fields: dict[str, Any] = dict.fromkeys(names, (list[Text], ...))
    return read_settings(path, create_model("Lists", __base__=Part, **fields)).model_dump()


def read_shipped(
    what: str, name: str, shipped: Path, kind: type[S], beside: Path
) -> tuple[S, Path]:
    """Settings by the name of a YAML file in the folder `shipped`, or from a file `beside` another.

    PhoqueError as `read_settings`, or where there is none.
    """
    own = shipped / f"{name}.yaml"
    path = own if own.is_file() and "/" not in name else beside / name
    if not path.is_file():
        known = ", ".join(sorted(one.stem for one in shipped.glob("*.yaml")))
        raise PhoqueError(f"There is no {what} {name}. Known: {known}. Or give a YAML file.")
    return read_settings(path, kind), path


def reason(error: Exception) -> str:
    """What is wrong with data, in one line."""
    if isinstance(error, KeyError):
        return f"it has no {error}"
    if isinstance(error, TypeError | AttributeError):
        return "it is not a file of this kind"
    if not isinstance(error, ValidationError):
        return str(error).rstrip(".")
    first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"])) or "the whole"
    return f"{field}: {first['msg']}, found {str(first['input'])[:40]!r}"


def _told(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"])) or "the file"
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"there is no field {field}. Check its spelling, or leave it out."
    if first["type"].startswith("missing"):
        return f"the field {field} is missing."
    if first["type"] == "value_error":
        said = f"{first['ctx']['error']}"
        return f"{field}: {said}" if first["loc"] else said
    if kind := KINDS.get(first["type"]):
        return f"{field} must be {kind}, found {str(first['input'])[:40]!r}."
    return f"{reason(error)}."


def _line(text: str, error: ValidationError) -> int:
    """Where the faulty value begins, or the object in which one is missing."""
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for key in error.errors(include_url=False)[0]["loc"]:
        children = dict(enumerate(node.value)) if isinstance(node, yaml.SequenceNode) else {}
        if isinstance(node, yaml.MappingNode):
            children = {name.value: child for name, child in node.value}
        if key not in children:
            break
        node = children[key]
    return int(node.start_mark.line) + 1
