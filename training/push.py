"""`python -m training push --run DIR --repo OWNER/NAME`: adapter and card, to a private repository."""

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.hub import push_private
from phoque.run.directory import RunDirectory

ADAPTER = ("adapter_config.json", "adapter_model.safetensors")
CARD = "README.md"


def run(argv: Sequence[str]) -> int:
    """Refuses an adapter without the card that says what was measured of it."""
    parser = argparse.ArgumentParser(prog="python -m training push", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--repo", required=True, metavar="OWNER/NAME", help="made private")
    arguments = parser.parse_args(argv)
    directory = RunDirectory(arguments.run)
    with tempfile.TemporaryDirectory() as scratch:
        for file in files_of(directory):
            shutil.copy2(file, scratch)
        print(f"Pushed, private: {push_private(Path(scratch), arguments.repo, 'model')}")
    return 0


def files_of(directory: RunDirectory) -> list[Path]:
    """Adapter and card of a run.

    Raises:
        PhoqueError: one of them is missing, or the adapter is not what was trained.
    """
    if not directory.complete("persona"):
        raise PhoqueError(
            f"The run {directory.path} has no whole persona adapter. "
            f"Train it: python -m training persona --run {directory.path}"
        )
    card = directory.path / CARD
    if not card.is_file():
        raise PhoqueError(
            f"The run {directory.path} has no card yet, and no adapter is pushed without one. "
            f"Measure it: python -m training evaluate --run {directory.path}"
        )
    return [*(directory.persona / name for name in ADAPTER), card]
