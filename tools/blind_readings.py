"""Have replies of a run read blind by two readers, then choose the judge that agrees with them.

    python tools/blind_readings.py draw --run runs/x --out sheets        two sheets to fill in
    python tools/blind_readings.py choose --run runs/x --sheets sheets --readers readers.json

A sheet is sheets/reader-1/sheet.csv: message, reply and an empty answer a row, in an order of its own.
`readers.json` is a list of two: who read, see `Reader` in phoque/run/judging.py.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from phoque.judging import likelihood
from phoque.judging.readings import choose, drawn, joined, read_answers, sheet
from phoque.judging.rivals import load_semantic, load_vader
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import Reply
from phoque.run.folder import Reader as Files
from phoque.run.judging import QUESTION, Answer, Reader, Reading, Sheet

ORDERS = (1, 2)


def main() -> None:
    """Draw sheets, or choose by them."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("--run", type=Path, required=True)
    steps = asked.add_subparsers(dest="step", required=True)
    steps.add_parser("draw").add_argument("--out", type=Path, required=True)
    choosing = steps.add_parser("choose")
    choosing.add_argument("--sheets", type=Path, required=True)
    choosing.add_argument("--readers", type=Path, required=True)
    given = asked.parse_args()
    run = RunDirectory(given.run)
    replies = Files(run).rows(Reply)
    if given.step == "draw":
        write_sheets(replies, given.out)
    else:
        readers = TypeAdapter(tuple[Reader, Reader]).validate_json(given.readers.read_bytes())
        decide(run, replies, given.sheets, readers)


def write_sheets(replies: tuple[Reply, ...], out: Path) -> None:
    """One sheet a reader."""
    chosen = drawn(replies)
    for order in ORDERS:
        folder = out / f"reader-{order}"
        folder.mkdir(parents=True, exist_ok=True)
        Sheet.save_rows(folder, sheet(chosen, order))
        print(f"{folder / Sheet.FILE}: {len(chosen)} replies. {QUESTION}")


def decide(
    run: RunDirectory, replies: Sequence[Reply], sheets: Path, readers: tuple[Reader, Reader]
) -> None:
    """Write the readings and the choice into the run."""
    names = [one.name for one in readers]
    answers = [
        read_answers(sheets / f"reader-{order}", name)
        for order, name in zip(ORDERS, names, strict=True)
    ]
    judges = [load_semantic(), likelihood.load(), load_vader()]
    with run.stage("judging", run.path / "judging", seeds=ORDERS) as folder:
        readings = joined(replies, answers, judges)
        choice = choose(readings, judges, readers)
        Answer.save_rows(folder, [one for own in answers for one in own])
        Reading.save_rows(folder, readings)
        choice.save(folder)
    for one in choice.judges:
        print(f"{one.name}: {one.auc}")
    print(f"kappa of the readers {choice.agreement.value}; chosen: {choice.chosen}")


if __name__ == "__main__":
    main()
