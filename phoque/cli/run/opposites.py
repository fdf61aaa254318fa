"""`phoque run opposites`."""

from pathlib import Path

import click

from phoque.cli.options import FOLDER
from phoque.cli.run.stage import Options, Stage
from phoque.run.directory import RunDirectory
from phoque.run.info import run_beside
from phoque.run.needs import NEEDS, require


class Opposites(Stage):
    """It reads two runs."""

    def check(self, run: RunDirectory, options: Options) -> None:
        """Both must have what the stage reads."""
        super().check(run, options)
        require(run_beside(run, options["other"]), NEEDS[self.stage])


@click.command(
    cls=Opposites, epilog="Example: phoque run opposites --run runs/lab --other runs/pluribus"
)
@click.option(
    "--other",
    type=FOLDER,
    metavar="DIR",
    help="Run of another persona; default: the first one beside the run.",
)
def opposites(run: RunDirectory, other: Path | None) -> None:
    """Compare the personas of two runs: are they opposite directions?"""
    from phoque.stages.psm.opposites import compare_runs  # noqa: PLC0415  # loads torch

    compare_runs(run, run_beside(run, other))
