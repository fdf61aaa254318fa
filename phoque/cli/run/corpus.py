"""`phoque run corpus`."""

from typing import Any

import click

from phoque.cli.options import FILE
from phoque.cli.run.stage import Options, Stage
from phoque.run.directory import RunDirectory


class Corpus(Stage):
    """The first stage of a run."""

    begins = True

    def check(self, run: RunDirectory, options: Options) -> None:
        """It needs no other stage."""


@click.command(cls=Corpus, epilog="Example: phoque run corpus --run runs/first --model lab")
@click.option(
    "--source",
    multiple=True,
    metavar="NAME=PATH",
    help="NAME=PATH or NAME=hub:SET of a published corpus, or written[=FOLDER]; may be repeated.",
)
@click.option("--limit", type=click.IntRange(1), help="Most texts per file; default: all.")
@click.option("--slang", type=FILE, help="YAML file of new expressions.")
@click.option(
    "--keep-words",
    is_flag=True,
    help="Keep names, slurs and groups instead of [NAME], [SLUR], [GROUP].",
)
def corpus(run: RunDirectory, **options: Any) -> None:
    """Write the texts on which the adapters are trained."""
    from phoque.stages.corpus.stage import make_corpus  # noqa: PLC0415  # loads torch

    make_corpus(run, **options)
