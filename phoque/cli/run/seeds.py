"""`phoque run seeds`."""

from pathlib import Path

import click

from phoque.cli.options import FOLDER
from phoque.cli.run.stage import Options, Stage
from phoque.errors import PhoqueError
from phoque.run.directory import RunDirectory
from phoque.run.needs import require


class Seeds(Stage):
    """It reads several runs."""

    def check(self, run: RunDirectory, options: Options) -> None:
        """The others need an adapter, and the corpus that it learned from."""
        super().check(run, options)
        if not options["other"]:
            raise PhoqueError("Nothing to compare with. Name a run of another seed with --other.")
        for other in options["other"]:
            require(RunDirectory(other), ("texts", "persona"))


@click.command(
    cls=Seeds, epilog="Example: phoque run seeds --run runs/lab --other runs/seed43 runs/seed44"
)
@click.option(
    "--other",
    type=FOLDER,
    multiple=True,
    metavar="DIR",
    help="Run in which the persona was trained from another seed; may be repeated.",
)
def seeds(run: RunDirectory, other: tuple[Path, ...]) -> None:
    """Compare trainings from several seeds: does each learn as well?"""
    from phoque.stages.evaluate.seeds import compare_seeds  # noqa: PLC0415  # loads torch

    compare_seeds(run, [RunDirectory(path) for path in other], click.echo)
