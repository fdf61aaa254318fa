"""How long stages of a refresh may take, from what the run before recorded of itself."""

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


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Seconds of one piece of work; None where the run has no record of it."""

    step: float | None
    tokens_per_second: float | None
    """While it trained."""
    text: float | None
    """One text of its attack corpus, with all that was drawn for it."""
    reply: float | None
    """One calm reply of its corpus."""
    policy: float | None
    """One policy on one attack corpus."""

    def training(self, steps: int) -> Estimate:
        if not (self.step and self.tokens_per_second):
            return Estimate(seconds=None, how="the run has no curve of its training")
        how = f"{self.step:.1f} s a step, {self.tokens_per_second:.0f} tokens/s"
        return Estimate(seconds=steps * self.step, how=how)

    def reading(self, steps: int) -> Estimate:
        """Replies that are read once by each persona, as many as in so many steps."""
        found = self.training(steps)
        return found if found.seconds is None else replace(found, how="at the pace of training")

    def writing(self, count: int) -> Estimate:
        """So many texts of an attack corpus."""
        if self.text:
            return Estimate(seconds=count * self.text, how=f"{self.text:.1f} s a text")
        if self.reply:
            how = f"{self.reply:.1f} s a reply, of which all or only one in {DRAWS_PER_TEXT} can be kept"
            least = count * self.reply
            return Estimate(seconds=least, how=how, most=DRAWS_PER_TEXT * least)
        return Estimate(seconds=None, how="the run has no attack corpus")

    def pressing(self, policies: int) -> Estimate:
        """So many policies on two attack corpora."""
        if not self.policy:
            return Estimate(seconds=None, how="the run was not refreshed before")
        return Estimate(seconds=2 * policies * self.policy, how=f"{self.policy:.1f} s a policy")


def recorded(run: RunDirectory) -> Recorded:
    """What a run says of its own pace; damaged files say nothing."""
    reader, manifest = Reader(run), run.manifest()
    seconds = {name: one.seconds for name, one in manifest.stages.items()}
    curve: tuple[PersonaMetrics, ...] = ()
    texts = replies = policies = 0
    with suppress(PhoqueError):
        curve = reader.rows(PersonaMetrics)
    with suppress(PhoqueError):
        texts = reader.read(AttackSummary).texts
    with suppress(PhoqueError):
        # The corpus of a refreshed run holds replies that another one has drawn.
        replies = 0 if manifest.continues else reader.read(Composition).base_replies
    with suppress(PhoqueError):
        policies = 2 * len(reader.read(Refresh).policies)
    last = curve[-1] if curve else None
    return Recorded(
        step=last.seconds / last.step if last else None,
        tokens_per_second=last.num_tokens / last.seconds if last and last.seconds else None,
        text=_each(seconds.get("regenerate"), texts),
        reply=_each(seconds.get("corpus"), replies),
        policy=_each(seconds.get(Refresh.STAGE), policies),
    )


def between(least: float, most: float | None) -> str:
    """A length of time, or two between which it lies."""
    return f"{span(least)} to {span(most)}" if most and most > least else f"about {span(least)}"


def _each(seconds: float | None, number: int) -> float | None:
    return seconds / number if seconds and number else None
