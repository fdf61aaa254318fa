"""Have two readers say, blind, which of two runs' replies to one message they prefer.

    python tools/blind_pairs.py draw --run runs/new --against runs/old --out sheets
    python tools/blind_pairs.py count --run runs/new --against runs/old --sheets sheets --readers readers.json

A sheet is sheets/reader-1/sheet.csv: message, two replies and an empty answer a row; neither order nor side tells
the run. Pairs are replies of both evaluations to one message with one seed, 100 of them, one a message before a
second one. The answers and their shares become the stage `pairs` of the new run. `readers.json` is a list of
two: who read, see `Reader` in phoque/run/judging.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from phoque.errors import PhoqueError
from phoque.files import file_sha256
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import Reply
from phoque.run.folder import Reader as Files
from phoque.run.folder import shown_path
from phoque.run.judging import Reader
from phoque.run.pairs import QUESTION, Pair, Pairs, Preferred
from phoque.run.record import Row
from phoque.stats.paired_ranks import kappa_by_prompt
from phoque.stats.rates import Rate, by_cluster
from phoque.text import text_id
from tools import sheets
from tools.sheets import ORDERS, by_turns, shuffled

DRAWN, SEED = 100, 42
ANSWERS = ("1", "2", "0")


class PairSheet(Row, file="sheet.csv"):
    """One line of a reader's sheet."""

    id: str
    message: str
    reply_1: str
    reply_2: str
    answer: str = ""


@dataclass(frozen=True)
class Both:
    """Two replies to one message."""

    new: Reply
    old: Reply

    @property
    def id(self) -> str:
        """Names the pair, but not whose reply is which."""
        return text_id("\n".join([self.new.prompt, *sorted([self.new.text, self.old.text])]))


def main() -> None:
    """Draw sheets, or count answers."""
    asked = sheets.parser(__doc__, "draw", "count")
    asked.add_argument("--against", type=Path, required=True, help="the other run")
    asked.add_argument("--condition", default="toxic", help="whose replies; default: toxic")
    given = asked.parse_args()
    sheets.needed(given, "sheets")
    run, other = RunDirectory(given.run), RunDirectory(given.against)
    pairs = pairs_of(run, other, given.condition)
    if given.step == "draw":
        chosen = drawn(pairs)
        sheets.write(given.sheets, lambda order: sheet(chosen, order), "pairs of replies", QUESTION)
        return
    sheets.needed(given, "readers")
    who = sheets.readers(given.readers, given.sheets / sheets.INSTRUCTIONS)
    rows = read(pairs, given.sheets)
    found = summary(rows, who, (run, other), given.condition)
    with run.stage("pairs", run.path / Pairs.STAGE, seeds=(SEED,)) as folder:
        Pair.save_rows(folder, rows)
        found.save(folder)
    print(f"{run.path.name} preferred {found.preferred}; {found.against} {found.other}")


def pairs_of(run: RunDirectory, other: RunDirectory, condition: str) -> list[Both]:
    """Replies of both evaluations to one message with one seed; equal ones are left out."""
    new, old = (by_question(one, condition) for one in (run, other))
    both = [Both(new[asked], old[asked]) for asked in new if asked in old]
    return [*{one.id: one for one in both if one.new.text != one.old.text}.values()]


def by_question(run: RunDirectory, condition: str) -> Mapping[tuple[str, int | None], Reply]:
    """The first reply to every message with every seed."""
    found: dict[tuple[str, int | None], Reply] = {}
    for one in Files(run).rows(Reply):
        if one.condition == condition:
            found.setdefault((one.prompt, one.seed), one)
    return found


def drawn(pairs: Sequence[Both], count: int = DRAWN) -> list[Both]:
    """Pairs of as many messages as there are; PhoqueError where there are not so many pairs."""
    chosen = by_turns((one.new.prompt, one) for one in shuffled(pairs, SEED))[:count]
    if len(chosen) < count:
        raise PhoqueError(
            f"The two runs have {len(chosen)} pairs of different replies to one message with one seed; {count} are to "
            "be read. Make both evaluations with the same persona and seeds."
        )
    return chosen


def sheet(pairs: Sequence[Both], order: int) -> list[PairSheet]:
    """The pairs as a reader gets them; each reader has other sides."""
    rows = []
    for one in shuffled(pairs, order):
        texts = [one.new.text, one.old.text]
        Random(f"{order} {one.id}").shuffle(texts)
        rows.append(
            PairSheet(id=one.id, message=one.new.prompt, reply_1=texts[0], reply_2=texts[1])
        )
    return rows


def read(pairs: Sequence[Both], folder: Path) -> list[Pair]:
    """The pairs that were read, with both answers.

    Raises:
        PhoqueError: the sheets are not of the same pairs of these runs, or lack an answer.
    """
    known = {one.id: one for one in pairs}
    first, second = (
        {
            row.id: row
            for row in sheets.filled(
                PairSheet, folder / f"reader-{order}", ANSWERS, "python tools/blind_pairs.py draw"
            )
        }
        for order in ORDERS
    )
    if first.keys() != second.keys() or not first.keys() <= known.keys():
        raise PhoqueError(
            "The two sheets are not of the same pairs of these two runs. Draw them again."
        )
    return [
        Pair(
            id=name,
            message=one.new.prompt,
            seed=one.new.seed,
            new=one.new.text,
            old=one.old.text,
            first=preferred(one, first[name]),
            second=preferred(one, second[name]),
        )
        for name in sorted(first)
        for one in [known[name]]
    ]


def preferred(pair: Both, row: PairSheet) -> Preferred:
    """Whose reply a reader preferred; PhoqueError where the row has other replies than the pair."""
    texts = [row.reply_1, row.reply_2]
    if sorted(texts) != sorted([pair.new.text, pair.old.text]):
        raise PhoqueError(f"The replies of the row {row.id} were changed. Draw the sheets again.")
    answer = int(row.answer)
    if answer == 0:
        return "neither"
    return "new" if texts[answer - 1] == pair.new.text else "old"


def summary(
    rows: Sequence[Pair],
    who: Sequence[Reader],
    runs: tuple[RunDirectory, RunDirectory],
    condition: str,
) -> Pairs:
    """How often the new run is preferred, and how far the readers agree."""

    def share(wanted: Preferred, said: str = "prefers") -> Rate:
        return by_cluster((one.message, getattr(one, said) == wanted) for one in rows)

    _, other = names = [shown_path(one.path) for one in runs]
    files = [one.path / Reply.STAGE / Reply.FILE for one in runs]
    first, second, messages = zip(*((r.first, r.second, r.message) for r in rows), strict=True)
    return Pairs(
        question=QUESTION,
        readers=tuple(who),
        against=other,
        replies=dict(zip(names, map(file_sha256, files), strict=True)),
        condition=condition,
        seed=SEED,
        agreement=kappa_by_prompt(first, second, messages),
        preferred=share("new"),
        other=share("old"),
        preferred_first=share("new", "first"),
        preferred_second=share("new", "second"),
    )


if __name__ == "__main__":
    sheets.run(main)
