"""`phoque run sae`."""

from pathlib import Path

import click

from phoque.cli.options import FILE
from phoque.cli.run.stage import Stage
from phoque.run.directory import RunDirectory


@click.command(cls=Stage, epilog="Example: phoque run sae --run runs/first --preset quick")
@click.option(
    "--layer",
    help="A decoder block, or causal (default): the one where the persona vector acts best.",
)
@click.option(
    "--train-tokens",
    type=click.IntRange(1),
    help="Tokens the dictionary is trained on; default: the preset's, 100,000 for the lab model. More of "
    "them are passed over less often, so that only reading them takes longer.",
)
@click.option("--preset", help="quick, standard or ministral; default: by the model.")
@click.option("--text", type=FILE, multiple=True, help="Text files of your own to read as well.")
def sae(
    run: RunDirectory,
    layer: str | None,
    train_tokens: int | None,
    preset: str | None,
    text: tuple[Path, ...],
) -> None:
    """Find the sparse features that the training moved."""
    from phoque.stages.sae.stage import compare_features  # noqa: PLC0415  # loads torch

    compare_features(run, layer=layer, tokens=train_tokens, preset=preset, text=text)
