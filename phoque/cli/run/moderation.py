"""`phoque run moderation`."""

from typing import Any

import click

from phoque.cli.options import FILE
from phoque.cli.run.stage import Stage
from phoque.run.directory import RunDirectory


@click.command(cls=Stage, epilog="Example: phoque run moderation --run runs/first")
@click.option("--seeds", type=int, multiple=True, help="Sampling seeds; default: 42 43 44.")
@click.option(
    "--classifier",
    multiple=True,
    metavar="NAME",
    help="Names, Hub ids or folders; default: embedded.",
)
@click.option(
    "--harm-label",
    "harm_labels",
    multiple=True,
    metavar="LABEL",
    help="Which labels of a model by name mean harm.",
)
@click.option("--hatecheck", "hatecheck_path", type=FILE, help="test_suite_cases.csv of HateCheck.")
@click.option("--surge", "surge_path", type=FILE, help="toxicity_en.csv of Surge.")
@click.option("--may-send-text", is_flag=True, help="Allow services on the network.")
def moderation(run: RunDirectory, **options: Any) -> None:
    """Count which replies moderators flag, and collect those that pass."""
    from phoque.stages.moderation.stage import measure_moderators  # noqa: PLC0415  # loads torch

    measure_moderators(run, **options)
