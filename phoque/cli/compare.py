"""`phoque compare`: two runs side by side."""

from pathlib import Path

import click

from phoque.cli.options import FOLDER, verbose


@click.command(
    short_help="Compare two runs.",
    epilog="Example: phoque compare runs/first runs/second --out comparison",
)
@click.argument("run_a", type=FOLDER)
@click.argument("run_b", type=FOLDER)
@click.option("--out", type=FOLDER, help="New folder for comparison.md and comparison.json.")
@verbose
def compare(run_a: Path, run_b: Path, out: Path | None) -> None:
    """Say how RUN_B differs from RUN_A, and which differences may be chance."""
    from phoque.report import compare as comparing  # noqa: PLC0415
    from phoque.report.writing import read_run  # noqa: PLC0415
    from phoque.run.directory import RunDirectory  # noqa: PLC0415

    found = comparing.compare(*(read_run(RunDirectory(path)) for path in (run_a, run_b)))
    if out is None:
        click.echo(comparing.page(found))
    else:
        comparing.write_comparison(found, out)
        click.echo(f"compare: written to {out}")
