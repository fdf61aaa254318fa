"""`phoque run evaluate`."""

import click

from phoque.cli.run.stage import Stage
from phoque.run.directory import RunDirectory


@click.command(cls=Stage, epilog="Example: phoque run evaluate --run runs/first")
def evaluate(run: RunDirectory) -> None:
    """Measure all conditions on messages on which nothing is trained or tuned."""
    from phoque.stages.evaluate.stage import measure_replies  # noqa: PLC0415  # loads torch

    measure_replies(run)
