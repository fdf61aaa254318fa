"""Steps of a stage in order; one that was killed goes on where it stopped."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from phoque.files import read_json, write_json

Settings = Mapping[str, Any]
"""What results depend on, as plain JSON."""
LEDGER = "unfinished.json"
"""Exists while a stage is not complete: seconds of the steps that are done, and the settings."""


def run_ledger(
    folder: Path,
    steps: Mapping[str, Callable[[], None]],
    settings: Settings,
    progress: Callable[[str], None],
    keep: Callable[[], None] = lambda: None,
) -> None:
    """Do what is not done yet under these settings; each step writes its files and nothing else.

    Args:
        folder: of the stage.
        steps: name and work of each.
        settings: what was done under others is done again.
        progress: is told what is done.
        keep: called when the ledger says truly what is done, to save the folder elsewhere.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ledger = folder / LEDGER
    done = done_steps(ledger, settings)
    for name, run in steps.items():
        if name in done:
            continue
        write_json(ledger, {"settings": settings, "seconds": done})
        keep()
        start = time.monotonic()
        run()
        done[name] = round(time.monotonic() - start, 1)
        progress(f"{folder.name}: {name} done in {done[name]:.0f} s")
    ledger.unlink()


def done_steps(ledger: Path, settings: Settings) -> dict[str, float]:
    """Steps that are done under these settings, and how long each took."""
    if not ledger.is_file():
        return {}
    try:
        found = read_json(ledger)
        return dict(found["seconds"]) if found["settings"] == settings else {}
    except (ValueError, LookupError, TypeError):
        return {}  # damaged: all steps are done again
