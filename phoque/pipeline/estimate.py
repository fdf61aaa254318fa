"""How long stages of a refresh may take, from what the run before recorded of itself."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from phoque.errors import PhoqueError
from phoque.progress import span
from phoque.run.adapter import PersonaMetrics
from phoque.run.corpus import Composition
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.refresh import Refresh
from phoque.run.synthetic import AttackSummary
from phoque.stages.synthetic.regenerate import DRAWS_PER_TEXT


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Seconds and where they come from."""

    seconds: float | None
    """None where nothing is recorded."""
    how: str
    most: float | None = None
    """Where the seconds are the fewest."""

    def __str__(self) -> str:
        if self.seconds is None:
            return f"time not known: {self.how}"
        if not self.seconds:
            return self.how
        return f"{between(self.seconds, self.most)} ({self.how})"


def training(run: RunDirectory, steps: int) -> Estimate:
    """So many steps, at the pace at which the run trained its persona."""
    last = None
    with suppress(PhoqueError):  # damaged files say nothing
        last = next(reversed(Reader(run).rows(PersonaMetrics)), None)
    if not (last and last.seconds and last.num_tokens):
        return Estimate(seconds=None, how="the run has no curve of its training")
    step, pace = last.seconds / last.step, last.num_tokens / last.seconds
    how = f"{step:.1f} s a step, {pace:.0f} tokens/s"
    return Estimate(seconds=steps * step, how=how)


def reading(run: RunDirectory, steps: int) -> Estimate:
    """Replies that are read once by each persona, as many as in so many steps."""
    found = training(run, steps)
    return found if found.seconds is None else replace(found, how="at the pace of training")


def writing(run: RunDirectory, count: int) -> Estimate:
    """So many texts of an attack corpus."""
    if text := _each(run, "regenerate", lambda own: own.read(AttackSummary).texts):
        return Estimate(seconds=count * text, how=f"{text:.1f} s a text")
    # The corpus of a refreshed run holds replies that another one has drawn.
    fresh = not run.manifest().continues
    if fresh and (reply := _each(run, "corpus", lambda own: own.read(Composition).base_replies)):
        how = f"{reply:.1f} s a reply, of which all or only one in {DRAWS_PER_TEXT} can be kept"
        return Estimate(seconds=count * reply, how=how, most=DRAWS_PER_TEXT * count * reply)
    return Estimate(seconds=None, how="the run has no attack corpus")


def pressing(run: RunDirectory, policies: int) -> Estimate:
    """So many policies on two attack corpora."""
    policy = _each(run, Refresh.STAGE, lambda own: 2 * len(own.read(Refresh).policies))
    if not policy:
        return Estimate(seconds=None, how="the run was not refreshed before")
    return Estimate(seconds=2 * policies * policy, how=f"{policy:.1f} s a policy")


def between(least: float, most: float | None) -> str:
    """A length of time, or two between which it lies."""
    return f"{span(least)} to {span(most)}" if most and most > least else f"about {span(least)}"


def _each(run: RunDirectory, stage: str, number: Callable[[Reader], int]) -> float | None:
    """Seconds that a stage took for one of what it made; None where the run does not say."""
    made = run.manifest().stages.get(stage)
    with suppress(PhoqueError):
        if made and made.seconds and (count := number(Reader(run))):
            return made.seconds / count
    return None
