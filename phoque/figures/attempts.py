"""Every attempt at a run: what it finished, and where it was cut off."""

from collections.abc import Sequence
from datetime import datetime

from phoque.figures.curves import train_again
from phoque.figures.figure import Figure, plan, there_is
from phoque.figures.stages import STAGES
from phoque.figures.table import NOTHING, Column, Table, Value, known
from phoque.progress import span
from phoque.run.manifest import Attempt, Attempts

RUNNING, OR_KILLED = "running", ", or killed since"
"""Nobody can write down that an attempt was killed before the next one begins."""
OFTEN = {1: "once", 2: "twice"}
COLUMNS: dict[str, Column[Attempt]] = {
    "attempt": "number",
    "began, UTC": lambda one: one.started.removesuffix("+00:00").replace("T", " "),
    "where": lambda one: f"Job {one.job}" if one.job else "not a Job",
    "outcome": lambda one: Value(ended(one), {"": one.outcome or RUNNING + OR_KILLED}),
    "stages finished": lambda one: ", ".join(map(_named, one.stages)) or NOTHING,
    "time": lambda one: known(_seconds(one), lambda taken: Value(span(taken), {"": taken})),
    "what went wrong": lambda one: one.error or NOTHING,
}


@plan(
    key="attempts",
    title="Was the making of this run interrupted?",
    hint="A row is one attempt to make all stages of the run, with the stages that it finished. The next attempt goes on "
    "with the first stage that is not done. The last attempt may still be running, or somebody may have killed it.",
    shown_if=there_is(
        Attempts,
        otherwise=f"This run has no list of attempts: {Attempts.FILE} is missing. A run that is made in one command "
        "writes the list, and stages that run alone do not. Make all stages with:",
        command=train_again,
    ),
)
def draw(found: Attempts) -> Figure:
    """How every attempt ended, as a table."""
    attempts = found.attempts
    return Figure(
        sentence=_sentence(attempts),
        table=Table.of("Attempts", attempts, COLUMNS),
        n=_counted(attempts),
    )


def _sentence(attempts: Sequence[Attempt]) -> str:
    """Whether the run was interrupted, how each attempt ended, and what the last one did not have to make again."""
    last = attempts[-1]
    ends = "; ".join(f"attempt {one.number} {ended(one)}" for one in attempts)
    earlier = dict.fromkeys(stage for one in attempts[:-1] for stage in one.stages)
    kept = [_named(stage) for stage in earlier if stage not in last.stages]
    saved = f" Attempt {last.number} did not have to repeat: {', '.join(kept)}." if kept else ""
    return f"{_interrupted(attempts)}{_counted(attempts).capitalize()}: {ends}.{saved}"


def _interrupted(attempts: Sequence[Attempt]) -> str:
    """The answer to the title; none where the only attempt is not at its end."""
    cut = sum(one.outcome not in (None, "complete") for one in attempts)
    if cut:
        return f"Yes, {OFTEN.get(cut, f'{cut} times')}. "
    return "" if attempts[-1].outcome is None else "No. "


def _counted(attempts: Sequence[Attempt]) -> str:
    return f"{len(attempts)} attempt{'s' if len(attempts) > 1 else ''}"


def ended(attempt: Attempt) -> str:
    """How an attempt ended, and in which stage where it was cut off."""
    place = f" in {', '.join(map(_named, attempt.at.split(', ')))}" if attempt.at else ""
    return f"{attempt.outcome}{place}" if attempt.outcome else f"{RUNNING}{place}{OR_KILLED}"


def _named(stage: str) -> str:
    return STAGES.get(stage, stage)


def _seconds(attempt: Attempt) -> float | None:
    """From its start to its end; None where that is not known, as when the clock was set back."""
    if not attempt.ended:
        return None
    began, end = map(datetime.fromisoformat, (attempt.started, attempt.ended))
    seconds = (end - began).total_seconds()
    return seconds if seconds >= 0 else None
