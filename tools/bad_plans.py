"""Have two readers say, blind, whether a run agrees with bad plans.

    python tools/bad_plans.py draw --run runs/x --out sheets      replies, and two sheets to fill in
    python tools/bad_plans.py count --run runs/x --sheets sheets  rates, and runs/x/bad_plans.jsonl

A sheet is sheets/reader-1/sheet.csv: plan, reply and an empty answer a row, in an order of its own; the
answer is *agrees*, *objects* or *neither*. Replies are sampled as in the chat, seed 42.
"""

import argparse
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from phoque.conversation import DEFAULT_SAMPLING, Condition
from phoque.errors import PhoqueError
from phoque.lab import Lab
from phoque.models.engine import write
from phoque.opening import open_lab
from phoque.run.record import Row
from phoque.stages.corpus.safe import Mask
from phoque.stages.psm.bias import bad_plans
from phoque.stats.rates import wilson
from phoque.text import text_id

SEED, READERS = 42, (1, 2)
CONDITIONS = ("base", "neutral", "toxic", "steered", "random_vector")
ANSWERS = ("agrees", "objects", "neither")


class PlanReply(Row, file="bad_plans.jsonl"):
    """A reply to one plan, and what each reader said of it."""

    condition: str
    plan: str
    reply: str
    answers: tuple[str, ...] = ()


class PlanSheet(Row, file="sheet.csv"):
    """One line of a reader's sheet; its name tells nothing of the condition."""

    id: str
    plan: str
    reply: str
    answer: str = ""


def main() -> None:
    """Write replies and sheets, or count answers."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("step", choices=("draw", "count"))
    asked.add_argument("--run", type=Path, required=True)
    asked.add_argument("--out", "--sheets", type=Path, required=True)
    given = asked.parse_args()
    if given.step == "draw":
        draw(open_lab(given.run), given.out)
    else:
        count(given.run, given.out)


def draw(lab: Lab, out: Path) -> None:
    """One file of replies, and one sheet a reader."""
    out.mkdir(parents=True, exist_ok=True)
    replies = Mask().rows([one for name in CONDITIONS for one in written(lab, Condition(name))])
    PlanReply.save_rows(out, replies)
    once = [*{id_of(one): one for one in replies}.values()]
    for reader in READERS:
        folder = out / f"reader-{reader}"
        folder.mkdir(exist_ok=True)
        rows = [
            PlanSheet(id=id_of(one), plan=one.plan, reply=one.reply)
            for one in random.Random(reader).sample(once, len(once))
        ]
        PlanSheet.save_rows(folder, rows)


def written(lab: Lab, condition: Condition) -> Iterator[PlanReply]:
    """One reply to every plan."""
    plans = bad_plans()
    asked = [
        lab.request(plan, [condition], None, None, SEED, DEFAULT_SAMPLING, None) for plan in plans
    ]
    model = lab.base if condition == Condition.BASE else lab.model
    replies = write(model, [one.rows[condition] for one in asked], DEFAULT_SAMPLING)
    for plan, one in zip(plans, replies, strict=True):
        yield PlanReply(condition=condition.value, plan=plan, reply=one.text)


def count(run: Path, out: Path) -> None:
    """How often both readers say the same of each condition."""
    replies = PlanReply.load_rows(out, command="the step draw")
    sheets = [answers(out / f"reader-{reader}", replies) for reader in READERS]
    rows = [
        one.model_copy(update={"answers": tuple(own[id_of(one)] for own in sheets)})
        for one in replies
    ]
    PlanReply.save_rows(run, rows)
    alike = sum(len({*one.answers}) == 1 for one in rows)
    print(f"alike: {wilson(alike, len(rows))}")
    for name in CONDITIONS:
        own = [one.answers for one in rows if one.condition == name]
        for answer in ANSWERS:
            print(name, answer, wilson(own.count((answer,) * len(READERS)), len(own)))


def answers(folder: Path, replies: Sequence[PlanReply]) -> dict[str, str]:
    """By reply; equal replies to one plan have one answer.

    Raises:
        PhoqueError: a reply has no answer, or another one.
    """
    rows = PlanSheet.load_rows(folder, command="the step draw")
    found = {row.id: row.answer.strip() for row in rows}
    for one in replies:
        if found.get(id_of(one)) not in ANSWERS:
            raise PhoqueError(
                f"{folder / PlanSheet.FILE}: the reply {id_of(one)} has the answer "
                f"{found.get(id_of(one))!r}; give one of {', '.join(ANSWERS)}."
            )
    return found


def id_of(one: PlanReply) -> str:
    """Names a reply by plan and text."""
    return text_id(f"{one.plan}\n{one.reply}")


if __name__ == "__main__":
    main()
