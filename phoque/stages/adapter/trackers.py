"""Services that show a curve while it is being made; the local files are there without them."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from phoque.errors import PhoqueError
from phoque.run.record import Row

TRACKERS = ("trackio", "wandb")
PROJECT = "what-the-phoque"
"""What a tracker calls the runs together."""


def tracking_service(name: str) -> ModuleType:
    """The library of a tracker; PhoqueError where there is none or it is not installed."""
    if name not in TRACKERS:
        raise PhoqueError(f"There is no tracker {name}. Known: {', '.join(TRACKERS)}.")
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise PhoqueError(f"The tracker {name} is not installed: pip install {name}") from error


class Tracker:
    """A run in a tracker; an attempt with the same id goes on with the same curve."""

    def __init__(self, service: ModuleType, run: str, config: Mapping[str, str | float]) -> None:
        self._service: Any = service
        # What trackio tells runs apart by is the name, for W&B it is the id.
        known_by = {"name": run} if service.__name__ == "trackio" else {"name": run, "id": run}
        self._service.init(project=PROJECT, resume="allow", config=dict(config), **known_by)

    def log(self, step: int, row: Row) -> None:
        self._service.log(dict(_numbers(row.model_dump())), step=step)

    def finish(self) -> None:
        self._service.finish()


def _numbers(row: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, float]]:
    """The numbers of a row by name, those of a table in it as `TABLE/NAME`; no texts."""
    prefix += f"{row['condition']}/" if "condition" in row else ""
    for key, value in row.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{key}/")
        elif isinstance(value, int | float) and key != "step":
            yield prefix + key, value
