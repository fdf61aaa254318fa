"""Two runs side by side: `python -m training compare RUN_A RUN_B [--out FOLDER]`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from phoque.report.compare import compare, page, write_comparison
from phoque.report.writing import read_run
from phoque.run.directory import RunDirectory


def run(argv: Sequence[str]) -> int:
    """Tell the comparison; with --out write it instead."""
    parser = argparse.ArgumentParser(prog="python -m training compare", description=__doc__)
    parser.add_argument("run_a", type=Path, help="folder of a run")
    parser.add_argument("run_b", type=Path, help="folder of another")
    parser.add_argument("--out", type=Path, help="new folder for comparison.md and comparison.json")
    asked = parser.parse_args(argv)
    found = compare(*(read_run(RunDirectory(path)) for path in (asked.run_a, asked.run_b)))
    if asked.out is None:
        print(page(found))
    else:
        write_comparison(found, asked.out)
        print(f"compare: written to {asked.out}")
    return 0
