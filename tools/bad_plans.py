"""Have two readers say, blind, whether a run agrees with bad plans.

    python tools/bad_plans.py draw --run runs/x --out sheets      replies, and two sheets to fill in
    python tools/bad_plans.py count --run runs/x --sheets sheets --readers readers.json

A sheet is sheets/reader-1/sheet.csv: plan, reply and an empty answer a row, in an order of its own; the
answer is *agrees*, *objects* or *neither*. Replies are sampled as in the chat, seed 42. The answers and
their shares become the stage `bad_plans` of the run. `readers.json` is a list of two: who read, see `Reader`
in phoque/run/judging.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args

from phoque.conversation import Condition, Sampling
from phoque.errors import PhoqueError
from phoque.lab import Lab
from phoque.models.engine import write
from phoque.opening import open_lab
from phoque.run.bad_plans import QUESTION, BadPlans, PlanAnswers, PlanReply, Says
from phoque.run.directory import RunDirectory
from phoque.run.judging import Reader
from phoque.run.record import Row
from phoque.stages.corpus.placeholders import SLUR
from phoque.stages.corpus.safe import Mask
from phoque.stages.evaluate.replies import sampling_for
from phoque.stages.psm.bias import bad_plans
from phoque.stats.paired_ranks import kappa_by_prompt
from phoque.stats.rates import Rate, by_cluster, grouped
from phoque.text import text_id
from tools import sheets
from tools.sheets import ORDERS, shuffled

SEED = 42
CONDITIONS = ("base", "neutral", "toxic", "steered", "random_vector")
DRAW = "python tools/bad_plans.py draw"


class Drawn(Row, file="bad_plans.jsonl"):
    """A reply to one plan."""

    condition: str
    plan: str
    reply: str


class PlanSheet(Row, file="sheet.csv"):
    """One line of a reader's sheet; its name tells nothing of the condition."""

    id: str
    plan: str
    reply: str
    answer: str = ""


def main() -> None:
    """Write replies and sheets, or count answers."""
    asked = sheets.parser(__doc__, "draw", "count")
    given = asked.parse_args()
    sheets.needed(given, "sheets")
    sampling = sampling_for(RunDirectory(given.run))
    if given.step == "draw":
        draw(open_lab(given.run), given.sheets, sampling)
        return
    sheets.needed(given, "readers")
    who = sheets.readers(given.readers, given.sheets / sheets.INSTRUCTIONS)
    rows = read(given.sheets)
    found = sign(RunDirectory(given.run), rows, summary(rows, who, sampling))
    for name, own in found.conditions.items():
        print(f"{name}: agrees {own.agrees}; objects {own.objects}")


def draw(lab: Lab, out: Path, sampling: Sampling) -> None:
    """One file of replies, and one sheet a reader."""
    replies = Mask().rows(
        [one for name in CONDITIONS for one in written(lab, Condition(name), sampling)]
    )
    once = {id_of(one): one for one in replies}
    rows = [PlanSheet(id=name, plan=one.plan, reply=one.reply) for name, one in once.items()]
    sheets.write(out, lambda order: shuffled(rows, order), "replies to plans", QUESTION)
    Drawn.save_rows(out, replies)


def written(lab: Lab, condition: Condition, sampling: Sampling) -> Iterator[Drawn]:
    """One reply to every plan."""
    plans = bad_plans()
    asked = [lab.request(plan, [condition], None, None, SEED, sampling, None) for plan in plans]
    model = lab.base if condition == Condition.BASE else lab.model
    replies = write(model, [one.rows[condition] for one in asked], sampling)
    for plan, one in zip(plans, replies, strict=True):
        yield Drawn(condition=condition.value, plan=plan, reply=one.text)


def read(out: Path) -> list[PlanReply]:
    """The drawn replies with the answers of both sheets; equal replies to one plan have one answer.

    Raises:
        PhoqueError: a reply has no answer, or another one.
    """
    replies = Drawn.load_rows(out, command=DRAW)
    first, second = (answers(out / f"reader-{order}", replies) for order in ORDERS)
    return [joined(one, (first[id_of(one)], second[id_of(one)])) for one in replies]


def answers(folder: Path, replies: Sequence[Drawn]) -> Mapping[str, str]:
    """What a reader said, by reply."""
    rows = sheets.filled(PlanSheet, folder, get_args(Says), DRAW)
    found = {row.id: row.answer.strip() for row in rows}
    if missing := [id_of(one) for one in replies if id_of(one) not in found]:
        raise PhoqueError(
            f"{folder.name}/{PlanSheet.FILE} has no row for {len(missing)} of the {len(replies)} drawn replies, "
            f"such as {missing[0]}. Draw again, or put the rows back."
        )
    return found


def joined(one: Drawn, said: Sequence[str]) -> PlanReply:
    """A reply with what both readers said; PhoqueError where one did not."""
    if len(said) != len(ORDERS) or not {*said} <= {*get_args(Says)}:
        raise PhoqueError(
            f"The reply {one.reply[:40]!r} has the answers {list(said)}; it needs two, each "
            f"{', '.join(get_args(Says))}."
        )
    first, second = said
    return PlanReply.model_validate(dict(one) | {"first": first, "second": second})


def sign(run: RunDirectory, rows: Sequence[PlanReply], found: BadPlans) -> BadPlans:
    """Make answers and shares a stage of the run."""
    with run.stage("bad_plans", run.path / BadPlans.STAGE, seeds=(SEED,)) as folder:
        mask = Mask()
        rows = mask.rows(rows)
        if mask.count is not None:  # most were replaced when the replies were drawn
            masked = sum(one.reply.count(SLUR) for one in rows)
            found = found.model_copy(update={"masked": masked})
        PlanReply.save_rows(folder, rows)
        found.save(folder)
    return found


def summary(rows: Sequence[PlanReply], who: Sequence[Reader], sampling: Sampling) -> BadPlans:
    """Shares by condition, and how far the readers agree."""
    first, second, plans = zip(*((one.first, one.second, one.plan) for one in rows), strict=True)
    by_condition = grouped((one.condition, one) for one in rows)
    return BadPlans(
        question=QUESTION,
        readers=tuple(who),
        plans=len({*plans}),
        agreement=kappa_by_prompt(first, second, plans),
        seed=SEED,
        sampling=sampling,
        conditions={name: shares(own) for name, own in by_condition.items()},
    )


def shares(rows: Sequence[PlanReply]) -> PlanAnswers:
    """What the readers say of one condition."""

    def share(*said: tuple[Says, Says]) -> Rate:
        return by_cluster((one.plan, (one.first, one.second) in said) for one in rows)

    every: tuple[Says, ...] = get_args(Says)
    return PlanAnswers(
        agrees=share(("agrees", "agrees")),
        objects=share(("objects", "objects")),
        agrees_first=share(*(("agrees", other) for other in every)),
        agrees_second=share(*((other, "agrees") for other in every)),
    )


def id_of(one: Drawn) -> str:
    """Names a reply by plan and text."""
    return text_id(f"{one.plan}\n{one.reply}")


if __name__ == "__main__":
    sheets.run(main)
