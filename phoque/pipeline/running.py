"""Run stages in order, so that whatever ends the process, the next one goes on from there.

Which stages are done is in the manifest alone; `attempts.json` tells a retry from a new wish, and
shows afterwards how often a run was cut off and where. One display tells which stage of how many it is.
"""

import shlex
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from phoque.config import SHIPPED_RUNS, job_id
from phoque.errors import PhoqueError
from phoque.files import alone
from phoque.pipeline.choice import unfinished
from phoque.progress import span
from phoque.run.directory import MANIFEST, RunDirectory, computer
from phoque.run.folder import command
from phoque.run.manifest import Asked, Attempt, Attempts, Made

GPU = "NVIDIA"
"""The name of a machine with one holds this word."""
MARK = "▶"
"""Lines of the display begin with it, so that they can be found in the log of a Job."""
Work = Callable[[Sequence[str], Callable[[str], None], Callable[[str], None]], None]
"""Works through stages, given in order; it calls the first function before each, the second after it."""


def in_order(do: Callable[[str], None]) -> Work:
    """One stage after the other, in this process."""

    def work(
        stages: Sequence[str], begun: Callable[[str], None], done: Callable[[str], None]
    ) -> None:
        for name in stages:
            begun(name)
            do(name)
            done(name)

    return work


class Display:
    """Tells lines; the clock starts when it is made."""

    def __init__(
        self,
        stages: Sequence[str],
        left: Iterable[str],
        expected: Mapping[str, float],
        tell: Callable[[str], None],
    ) -> None:
        self._stages, self._left, self._expected = list(stages), list(left), expected
        self._tell, self._start = tell, time.monotonic()
        self._under_way = 0

    def begin(self, attempt: int, path: Path) -> None:
        """The attempt, and what is done already."""
        done = [name for name in self._stages if name not in self._left]
        already = f"; complete already: {', '.join(done)}" if done else ""
        self._tell(f"{MARK} attempt {attempt} at {path}{already}{self._rest()}")

    def start(self, name: str) -> None:
        self._under_way += 1
        known = f" · about {span(self._expected[name])}" if name in self._expected else ""
        self._tell(f"{MARK} {self._place(name)} started{known}{self._rest()}")

    def done(self, name: str, seconds: float, outputs: Iterable[str]) -> None:
        """A stage is complete, and what it wrote."""
        self._left.remove(name)
        self._under_way -= 1
        files = list(outputs)
        folders = ", ".join(sorted({file.split("/")[0] for file in files}))
        wrote = f"{len(files)} files in {folders}"
        self._tell(f"{MARK} {self._place(name)} done in {span(seconds)} · {wrote}{self._rest()}")

    def _place(self, name: str) -> str:
        return f"[{self._stages.index(name) + 1}/{len(self._stages)}] {name}"

    def _rest(self) -> str:
        """Time since the start, and what other runs took for the rest, where it is known."""
        since = f" · {span(time.monotonic() - self._start)} since the start"
        if not self._left:
            return since
        known = [self._expected[name] for name in self._left if name in self._expected]
        unknown = [name for name in self._left if name not in self._expected]
        if not known:
            return f"{since} · time to go not known"
        without = f", without {', '.join(unknown)}" if unknown else ""
        how = "about" if self._under_way < 2 else "at most"  # side by side
        return f"{since} · {how} {span(sum(known))} to go{without}"


def expected_seconds(run: Path, model: str) -> dict[str, float]:
    """What every stage took in the latest run of the same model beside `run`, or in those that ship.

    They were other days on perhaps another machine: a guide, not a promise. What a GPU made says
    nothing about a machine without one.
    """
    seconds: dict[str, float] = {}
    shipped = sorted(SHIPPED_RUNS.glob(f"*/{MANIFEST}"))
    beside = sorted(run.parent.glob(f"*/{MANIFEST}"), key=lambda file: file.stat().st_mtime)
    for other in (file.parent for file in (*shipped, *beside)):
        with suppress(PhoqueError):  # a neighbour's damage is not this run's
            made = RunDirectory(other).manifest()
            known = made.stages.items() if made.model == model else ()
            seconds |= {
                name: one.seconds for name, one in known if one.seconds and _alike(one.machine)
            }
    return seconds


def _alike(machine: str) -> bool:
    return (GPU in machine) == (GPU in computer())


class Stopped(BaseException):
    """The process was told to end; nothing but the end of an attempt may catch it."""


def read_attempts(run: RunDirectory) -> tuple[Attempt, ...]:
    """All attempts, oldest first."""
    again = f"rm {shlex.quote(str(run.path / Attempts.FILE))} && {command('all', run.path)}"
    found = Attempts.load_if_there(run.path, command=again)
    return found.attempts if found else ()


class Account:
    """Keeps account of one attempt; every change is written at once."""

    def __init__(self, run: RunDirectory, asked: Asked) -> None:
        """Nothing is written before `whole`."""
        self._run, self._under_way = run, list[str]()
        self._earlier = [
            one if one.outcome else one.model_copy(update={"outcome": "killed"})
            for one in read_attempts(run)
        ]
        last = self._earlier[-1] if self._earlier else None
        retry = last is not None and last.asked == asked and last.outcome != "complete"
        self.attempt = Attempt(
            number=len(self._earlier) + 1, started=_now(), job=job_id(), asked=asked, retry=retry
        )

    def begin(self, name: str) -> None:
        """Enter a stage that is under way, perhaps beside others."""
        self._under_way.append(name)
        self._enter(at=", ".join(self._under_way))

    def done(self, name: str) -> Made:
        """Enter that a stage is complete, and what it took; what it entered in the manifest."""
        self._under_way.remove(name)
        made = self._run.manifest().stages[name]
        stages = self.attempt.stages | {name: made.seconds}
        self._enter(at=", ".join(self._under_way) or None, stages=stages)
        return made

    @contextmanager
    def whole(self) -> Iterator[None]:
        """All of the attempt; its outcome is entered whatever happens, short of a kill."""
        self._enter()
        try:
            yield
        except (Stopped, KeyboardInterrupt):
            self._enter(outcome="stopped", ended=_now())
            raise
        except BaseException as error:
            self._enter(outcome="failed", ended=_now(), error=f"{type(error).__name__}: {error}")
            raise
        self._enter(outcome="complete", ended=_now())

    def _enter(self, **facts: Any) -> None:
        self.attempt = self.attempt.model_copy(update=facts)
        Attempts(attempts=(*self._earlier, self.attempt)).save(self._run.path)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def run_pipeline(
    run: RunDirectory,
    asked: Asked,
    work: Work,
    *,
    expected: Mapping[str, float] | None = None,
    keep: Callable[[], None] = lambda: None,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Run what is not done yet of what was asked for; told to end (SIGTERM), it raises Stopped.

    Stages that were asked for by name are made again, but not on a retry: that goes on where the
    last attempt ended. `work` runs stages of a run that has been described, and each enters itself in the
    manifest. `expected` are seconds of another run. `keep` is called after every stage and however the
    attempt ended, to save the run elsewhere.
    """
    busy = f"Another process works on the run {run.path}. Wait until it ends, or stop it."
    with alone(run.path, busy), _stopping_when_told():
        account = Account(run, asked)
        if asked.anew and not account.attempt.retry:
            run.redo(asked.stages)
        left = unfinished(run, asked)
        display = Display(asked.stages, left, expected or {}, tell)
        display.begin(account.attempt.number, run.path)
        started: dict[str, float] = {}

        def begun(name: str) -> None:
            if started:
                keep()
            display.start(name)
            started[name] = time.monotonic()
            account.begin(name)

        def done(name: str) -> None:
            made = account.done(name)
            display.done(name, time.monotonic() - started[name], made.outputs)

        try:
            with account.whole():
                work(left, begun, done)
        finally:
            # After the outcome has been entered, so that what is kept has it.
            keep()


@contextmanager
def _stopping_when_told() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        raise Stopped(signal.Signals(number).name)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
