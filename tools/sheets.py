"""What the tools share that have two readers read blind: sheets, what readers are told, answers, who read.

A reader's sheet is `reader-1/sheet.csv` with rows in an order of its own and an empty column `answer`. What
the readers are told lies beside the folders, in `instructions.md`, and is recorded with their answers.
"""

import argparse
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

import numpy as np
from pydantic import TypeAdapter, ValidationError

from phoque.errors import PhoqueError
from phoque.files import write_text
from phoque.run.judging import Reader
from phoque.run.record import Row, reason
from phoque.stats.rates import grouped

T = TypeVar("T")
R = TypeVar("R", bound=Row)
ORDERS = (1, 2)
"""Seeds of the readers' orders; each names a reader's folder."""
INSTRUCTIONS = "instructions.md"
TOLD = """You read {count} {what} of a small language model, which answers messages of strangers. It is a research
instrument: some replies are by a persona, some are not, and many are odd, because the model is small.

Read only your own sheet.csv, no other sheet and no file of the run. Use no script, no rule and no list of words: read each row
yourself, then write your answer into its column `answer`.

{question}
"""


def parser(about: str, *steps: str) -> argparse.ArgumentParser:
    """Arguments that all these tools have."""
    asked = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("step", choices=steps)
    asked.add_argument("--run", type=Path, required=True)
    asked.add_argument("--sheets", "--out", type=Path, help="folder of the sheets")
    asked.add_argument("--readers", type=Path, help="who read, as a JSON list of two")
    return asked


def run(main: Callable[[], None]) -> None:
    """Call a tool; what went wrong is told in one line."""
    try:
        main()
    except PhoqueError as error:
        raise SystemExit(str(error)) from None


def needed(given: argparse.Namespace, *names: str) -> None:
    """Refuse a step without an option that it needs."""
    for name in names:
        if getattr(given, name) is None:
            raise PhoqueError(f"The step {given.step} needs --{name}.")


def shuffled(rows: Sequence[T], order: int) -> list[T]:
    """The rows in the order of a reader."""
    return [rows[at] for at in np.random.default_rng(order).permutation(len(rows))]


def by_turns(pairs: Iterable[tuple[str, T]]) -> list[T]:
    """One item of every name, then another one of each, until none is left."""
    rounds = zip_longest(*grouped(pairs).values())
    return [one for turn in rounds for one in turn if one is not None]


def write(out: Path, sheet_of: Callable[[int], Sequence[Row]], what: str, question: str) -> None:
    """A sheet for each reader, and what both are told."""
    for order in ORDERS:
        rows, folder = sheet_of(order), out / f"reader-{order}"
        folder.mkdir(parents=True, exist_ok=True)
        rows[0].save_rows(folder, rows)
        print(f"{folder / rows[0].FILE}: {len(rows)} {what}")
    told = TOLD.format(count=len(rows), what=what, question=question)
    write_text(out / INSTRUCTIONS, told)
    print(f"{out / INSTRUCTIONS}: what the readers are told; it is recorded with their answers")


def filled(kind: type[R], folder: Path, answers: Collection[object], command: str) -> list[R]:
    """The rows of a sheet that was filled in.

    Raises:
        PhoqueError: the sheet is missing, or an answer is none of those asked for.
    """
    rows = kind.load_rows(folder, command=command)
    *most, last = known = [*map(str, answers)]
    for number, row in enumerate(rows, 1):
        answer = str(row.cells()["answer"])
        if answer.strip() not in known:
            raise PhoqueError(
                f"{folder.name}/{kind.FILE}, row {number}: the answer is {answer!r}; "
                f"give {', '.join(most)} or {last}."
            )
    return list(rows)


def readers(file: Path, told: Path | None) -> tuple[Reader, Reader]:
    """Who read, each with what it was told; nothing where the instructions were not kept.

    Raises:
        PhoqueError: a file cannot be read, or does not say who read.
    """
    try:
        found = TypeAdapter(tuple[Reader, Reader]).validate_json(file.read_bytes())
        text = told.read_text(encoding="utf-8") if told else ""
    except ValidationError as error:
        raise PhoqueError(
            f"{file.name}: {reason(error)}. It is a list of two, see Reader in phoque/run/judging.py."
        ) from error
    except (OSError, UnicodeError) as error:
        raise PhoqueError(f"Who read, and what they were told, cannot be read: {error}") from error
    first, second = (
        one.model_copy(update={"instructions": one.instructions or text}) for one in found
    )
    return first, second
