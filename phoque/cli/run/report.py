"""`phoque run report`, also `phoque report`: one table and all figures of a run."""

import click

from phoque.cli.run.stage import Options, Stage
from phoque.run.directory import RunDirectory


class Report(Stage):
    """The report of whatever stages are complete."""

    def check(self, run: RunDirectory, options: Options) -> None:  # noqa: ARG002  # it needs none
        """The report itself names missing stages."""
        run.manifest()


@click.command(cls=Report, epilog="Example: phoque report --run runs/first")
@click.option("--html", is_flag=True, help="Write report.html, too: one file, 5 MB, no network.")
def report(run: RunDirectory, *, html: bool) -> None:
    """Write the slide table and the figures of a run."""
    from phoque.report.writing import make_report  # noqa: PLC0415  # loads numpy and plotly

    make_report(run, html=html)
