"""Read a YAML file against a shape; an error names the file and the line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from phoque.errors import PhoqueError

TEXT, TEXTS = "a text", "a list of texts"
Shape = str | Mapping[str, Any] | list[Any]
"""`TEXT`, `TEXTS`, a mapping of keys to shapes, or a list with the shape of its entries."""


def read_yaml(path: Path, shape: Shape) -> Any:
    """The content of `path`, which has all that `shape` asks for.

    Raises:
        PhoqueError: the file is not YAML or has another shape; says where and what was seen.
    """
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise PhoqueError(f"The file {path} cannot be read: {error}") from error
    if node is None:
        raise PhoqueError(f"The file {path} is empty.")
    return _checked(node, shape, path, "the file")


def _checked(node: yaml.Node, shape: Shape, path: Path, what: str) -> Any:
    match shape:
        case Mapping():
            _require(isinstance(node, yaml.MappingNode), node, path, f"{what} must have keys")
            return _mapping(node, shape, path, what)
        case [entry]:
            _require(isinstance(node, yaml.SequenceNode), node, path, f"{what} must be a list")
            return [_checked(child, entry, path, f"an entry of {what}") for child in node.value]
        case "a list of texts":
            _require(isinstance(node, yaml.SequenceNode), node, path, f"{what} must be {TEXTS}")
            return [_checked(child, TEXT, path, f"an entry of {what}") for child in node.value]
    text = isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str"
    _require(text, node, path, f"{what} must be {TEXT} (quote numbers, yes and no)")
    _require(bool(node.value.strip()), node, path, f"{what} is empty")
    return node.value


def _mapping(node: Any, shape: Mapping[str, Any], path: Path, what: str) -> dict[str, Any]:
    found = {key.value: child for key, child in node.value}
    missing = [key for key in shape if key not in found]
    _require(not missing, node, path, f"{what} lacks {', '.join(missing)}")
    unknown = [key for key, _ in node.value if key.value not in shape]
    if unknown:
        known = ", ".join(shape)
        raise _error(unknown[0], path, f"{what} has an unknown key; known: {known}")
    return {key: _checked(found[key], shape[key], path, f"`{key}`") for key in shape}


def _require(holds: bool, node: yaml.Node, path: Path, what: str) -> None:  # noqa: FBT001
    if not holds:
        raise _error(node, path, what)


def _error(node: yaml.Node, path: Path, what: str) -> PhoqueError:
    seen = f" Seen: {node.value!r}." if isinstance(node, yaml.ScalarNode) else ""
    return PhoqueError(f"{path}, line {node.start_mark.line + 1}: {what}.{seen}")
