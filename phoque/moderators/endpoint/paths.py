"""Paths into a JSON answer: `results[0].score`, `categories[*].severity`, `scores["a.b"]`."""

import re
from typing import Any

STEP = re.compile(r'(?:^|\.)([^.\[\]]+)|\[(\d+)\]|\[(\*)\]|\["([^"]*)"\]')
EVERY = "*"
Path = tuple[str | int, ...]


def parsed(path: str) -> Path:
    """The steps of a path; the empty path is the answer itself. A `ValueError` if it is no path."""
    steps: list[str | int] = []
    end = 0
    for found in STEP.finditer(path):
        if found.start() != end:
            break
        key, number, every, quoted = found.groups()
        steps.append(int(number) if number else EVERY if every else key or quoted or "")
        end = found.end()
    if end != len(path):
        raise ValueError(
            f"{path!r} is no path; write keys with dots, [0] for a place and [*] for every one."
        )
    return tuple(steps)


def values_at(value: Any, path: Path) -> list[Any]:
    """All values at a path, in order; `[*]` takes every entry of a list or an object."""
    found = [value]
    for step in path:
        found = [inner for one in found for inner in _inside(one, step)]
    return found


def _inside(value: Any, step: str | int) -> list[Any]:
    if step == EVERY and isinstance(value, list | dict):
        return list(value.values()) if isinstance(value, dict) else value
    if isinstance(step, int):
        return value[step : step + 1] if isinstance(value, list) else []
    return [value[step]] if isinstance(value, dict) and step in value else []
