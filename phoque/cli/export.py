"""`phoque export`: the persona model for other programs."""

from pathlib import Path

import click

from phoque.cli.options import FOLDER, verbose
from phoque.run.directory import RunDirectory
from phoque.run.needs import lacking, require


@click.command(
    short_help="Write the model and its vector for other programs.",
    epilog="Example: phoque export --run runs/first --out exported",
)
@click.option("--run", type=FOLDER, metavar="DIR", required=True, help="Folder of the run.")
@click.option("--out", type=FOLDER, required=True, help="New folder; it is made.")
@verbose
def export(run: Path, out: Path) -> None:
    """Write the merged model as safetensors and its vector as GGUF; the run stays as it is."""
    directory = RunDirectory(run)
    require(directory, lacking(["export"]))
    from phoque.stages.export import RECORD, export_run  # noqa: PLC0415  # loads torch

    export_run(directory, out, click.echo)
    click.echo(f"{out}: complete; {RECORD} has the checksums")
