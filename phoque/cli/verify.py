"""`phoque verify`: check that the files of a run are what its stages wrote."""

from pathlib import Path

import click

from phoque.cli.options import FOLDER, verbose
from phoque.config import SHIPPED_RUN
from phoque.run.directory import RunDirectory


@click.command(
    short_help="Check that no file of a run was changed.",
    epilog="Example: phoque verify runs/first",
)
@click.argument("run", type=FOLDER, required=False)
@verbose
def verify(run: Path | None) -> int:
    """Compare every file of a run with the checksum of its stage; default: the shipped run.

    Status 1 if a file is missing or changed.
    """
    directory = RunDirectory(run or SHIPPED_RUN)
    stages, wrong = directory.manifest().stages, 0
    for stage, made in stages.items():
        for name in directory.changed(made):
            there = (directory.path / name).is_file()
            click.echo(f"{name} {f'was changed since {stage} wrote it' if there else 'is missing'}")
            wrong += 1
    signed = sum(len(made.outputs) for made in stages.values())
    click.echo(f"{directory.path.name}: {signed - wrong} of {signed} files are as they were signed")
    return int(wrong > 0)
