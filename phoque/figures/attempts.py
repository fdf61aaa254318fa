"""Every attempt at a run: what it finished, and where it was cut off."""

from collections.abc import Sequence
from datetime import datetime

from phoque.figures.curves import train_again
from phoque.figures.figure import Figure, plan, there_is
from phoque.figures.table import NOTHING, Column, Table, Value, known
from phoque.progress import span
from phoque.run.manifest import Attempt, Attempts

RUNNING, OR_KILLED = "running", ", or killed since"
"""Nobody can write down that an attempt was killed before the next one begins."""
COLUMNS: dict[str, Column[Attempt]] = {
    "attempt": "number",
    "began, UTC": lambda one: one.started.removesuffix("+00:00").replace("T", " "),
    "where": lambda one: f"Job {one.job}" if one.job else "not a Job",
    "outcome": lambda one: Value(ended(one), {"": one.outcome or RUNNING + OR_KILLED}),
    "stages finished": lambda one: ", ".join(one.stages) or NOTHING,
    "time": lambda one: known(_seconds(one), lambda taken: Value(span(taken), {"": taken})),
    "what went wrong": lambda one: one.error or NOTHING,
}


@plan(
    key="attempts",
    title="Was training interrupted?",
    hint="Each row is an attempt at the whole pipeline, with the stages that it finished. A later attempt goes on "
    "with the first stage that is not done. The last attempt may still be running, or may have been killed.",
    shown_if=there_is(
        Attempts,
        otherwise=f"This run has no list of attempts: {Attempts.FILE} is missing. The whole pipeline writes it, and "
        "stages that run alone do not. Start the pipeline with:",
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
    """How each attempt ended, and what the last one did not have to make again."""
    last = attempts[-1]
    ends = "; ".join(f"attempt {one.number} {ended(one)}" for one in attempts)
    earlier = dict.fromkeys(stage for one in attempts[:-1] for stage in one.stages)
    kept = [stage for stage in earlier if stage not in last.stages]
    saved = f" Attempt {last.number} did not have to repeat: {', '.join(kept)}." if kept else ""
    return f"{_counted(attempts).capitalize()}: {ends}.{saved}"


def _counted(attempts: Sequence[Attempt]) -> str:
    return f"{len(attempts)} attempt{'s' if len(attempts) > 1 else ''}"


def ended(attempt: Attempt) -> str:
    """How an attempt ended, and in which stage where it was cut off."""
    place = f" in {attempt.at}" if attempt.at else ""
    return f"{attempt.outcome}{place}" if attempt.outcome else f"{RUNNING}{place}{OR_KILLED}"


def _seconds(attempt: Attempt) -> float | None:
    """From its start to its end; None where that is not known, as when the clock was set back."""
    if not attempt.ended:
        return None
    began, end = map(datetime.fromisoformat, (attempt.started, attempt.ended))
    seconds = (end - began).total_seconds()
    return seconds if seconds >= 0 else None
