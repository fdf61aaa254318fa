"""`phoque run report`, also `phoque report`: one table and all figures of a run."""

import click

from phoque.cli.run.stage import Options, Stage
from phoque.report.stage import make_report
from phoque.run.directory import RunDirectory


class Report(Stage):
    """The report of whatever stages are complete."""

    def check(self, run: RunDirectory, options: Options) -> None:
        """The report itself names missing stages."""


@click.command(cls=Report, epilog="Example: phoque report --run runs/first")
def report(run: RunDirectory) -> None:
    """Write the slide table and the figures of a run."""
    make_report(run)
