"""`phoque run evaluate`."""

import click

from phoque.cli.run.stage import Stage
from phoque.run.directory import RunDirectory


@click.command(cls=Stage, epilog="Example: phoque run evaluate --run runs/first")
def evaluate(run: RunDirectory) -> None:
    """Ask all conditions prompts that nobody trained or chose on."""
    from phoque.stages.evaluate.stage import measure_replies  # noqa: PLC0415  # loads torch

    measure_replies(run)
