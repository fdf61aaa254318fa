"""Settings that a person writes as YAML: typed, strict, and refused in one line that names the field."""

import json
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from phoque.errors import PhoqueError
from phoque.run.record import Part, reason

S = TypeVar("S", bound=Part)


def read_settings(path: Path, kind: type[S]) -> S:
    """The content of a YAML file as what `kind` says it is.

    Raises:
        PhoqueError: it cannot be read, a field is unknown or missing, or a value is not allowed.
    """
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
        # As JSON, because only there is a list a tuple, and a number never a text or yes.
        return kind.model_validate_json(json.dumps(loaded, default=_as_written), strict=True)
    except ValidationError as error:
        raise PhoqueError(f"{path}: {_told(error)}") from error
    except (OSError, UnicodeError, TypeError, ValueError, yaml.YAMLError) as error:
        said = " ".join(str(error).split())
        raise PhoqueError(f"{path} cannot be read as YAML: {said}") from error


def _as_written(value: Any) -> str:
    """A date, which YAML makes of 2026-07-31, as the text that stands in the file."""
    if isinstance(value, date):
        return str(value)
    raise TypeError(f"{value!r} is no value that is known here")


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


def _told(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"])) or "the file"
    if first["type"] == "extra_forbidden":
        return f"there is no field {field}. Check its spelling, or leave it out."
    if first["type"] == "missing":
        return f"the field {field} is missing."
    if first["type"] == "value_error":
        said = f"{first['ctx']['error']}"
        return f"{field}: {said}" if first["loc"] else said
    return f"{reason(error)}."
