"""`phoque push`: send the adapter and its card to a private repository."""

import shutil
import tempfile
from pathlib import Path

import click

from phoque.cli.options import FOLDER, verbose
from phoque.errors import PhoqueError
from phoque.run.directory import RunDirectory
from phoque.run.folder import command
from phoque.run.needs import ADAPTER_FILES

CARD = "README.md"


@click.command(
    short_help="Push the adapter to a private repository.",
    epilog="Example: phoque push --run runs/first --repo me/phoque-first",
)
@click.option("--run", type=FOLDER, metavar="DIR", required=True, help="Folder of the run.")
@click.option(
    "--repo",
    metavar="OWNER/NAME",
    required=True,
    help="Made private where it is new; a public one is refused.",
)
@verbose
def push(run: Path, repo: str) -> None:
    """Push the persona adapter with its card to a private repository of the Hub."""
    from phoque.hub.storage import Repository  # noqa: PLC0415  # speaks to the Hub

    with tempfile.TemporaryDirectory() as scratch:
        for file in files_of(RunDirectory(run)):
            shutil.copy2(file, scratch)
        click.echo(f"Pushed, private: {Repository(name=repo).send(Path(scratch), '')}")


def files_of(run: RunDirectory) -> list[Path]:
    """Adapter and card of a run; raises if one is missing or the adapter was changed."""
    if not run.complete("persona"):
        raise PhoqueError(
            f"The run {run.path} has no complete persona adapter. "
            f"Train it: {command('persona', run.path)}"
        )
    card = run.path / CARD
    if not card.is_file():
        raise PhoqueError(
            f"The run {run.path} has no card yet, and an adapter is pushed with its card. "
            f"Make it: {command('evaluate', run.path)}"
        )
    return [*(run.persona / name for name in ADAPTER_FILES), card]
