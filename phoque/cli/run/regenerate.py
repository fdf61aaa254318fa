"""`phoque run regenerate`."""

import click

from phoque.cli.run.stage import Stage
from phoque.run.directory import RunDirectory


@click.command(cls=Stage, epilog="Example: phoque run regenerate --run runs/first --count 100")
@click.option("--count", type=click.IntRange(1), default=200, show_default=True, help="Texts.")
@click.option(
    "--push", metavar="OWNER/NAME", help="Also push them to a private data set on the Hub."
)
def regenerate(run: RunDirectory, count: int, push: str | None) -> None:
    """Let the persona write a new attack corpus."""
    from phoque.stages.synthetic.stage import write_attacks  # noqa: PLC0415  # loads torch

    write_attacks(run, count=count, push=push)
