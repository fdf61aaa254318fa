"""Run stages in order, so that whatever ends the process, the next one goes on from there.

Which stages are done is in the manifest alone; `attempts.json` tells a retry from a new wish, and
shows afterwards how often a run was cut off and where.
"""

import hashlib
import shlex
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from filelock import FileLock, Timeout

from phoque.config import job_id
from phoque.errors import PhoqueError
from phoque.pipeline.choice import unfinished
from phoque.pipeline.display import Display
from phoque.run.directory import RunDirectory
from phoque.run.folder import command
from phoque.run.manifest import Asked, Attempt, Attempts


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
        self._run = run
        self._earlier = [
            one if one.outcome else one.model_copy(update={"outcome": "killed"})
            for one in read_attempts(run)
        ]
        last = self._earlier[-1] if self._earlier else None
        retry = last is not None and last.asked == asked and last.outcome != "complete"
        self.attempt = Attempt(
            number=len(self._earlier) + 1, started=_now(), job=job_id(), asked=asked, retry=retry
        )

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """The stage that is under way; seconds are entered when it is done."""
        self._enter(at=name)
        yield
        seconds = self._run.manifest().stages[name].seconds
        self._enter(at=None, stages=self.attempt.stages | {name: seconds})

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
    do: Callable[[str], None],
    *,
    expected: Mapping[str, float] | None = None,
    keep: Callable[[], None] = lambda: None,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Run what is not done yet of what was asked for; told to end (SIGTERM), it raises Stopped.

    Stages that were asked for by name are made again, but not on a retry: that goes on where the
    last attempt ended.

    Args:
        run: it has been described: model and persona are in its manifest.
        asked: for which stages.
        do: runs one stage, which enters itself in the manifest.
        expected: seconds that a stage took in another run.
        keep: called after every stage and however the attempt ended, to save the run elsewhere.
        tell: is told what starts, what is done, and how long the rest may take.
    """
    with _alone(run.path), _stopping_when_told():
        account = Account(run, asked)
        if asked.anew and not account.attempt.retry:
            run.redo(asked.stages)
        left = unfinished(run, asked)
        display = Display(asked.stages, left, expected or {}, tell)
        display.begin(account.attempt.number, run.path)
        try:
            with account.whole():
                _run_stages(run, left, do, account, display, keep)
        finally:
            # After the outcome has been entered, so that what is kept has it.
            keep()


def _run_stages(
    run: RunDirectory,
    left: list[str],
    do: Callable[[str], None],
    account: Account,
    display: Display,
    keep: Callable[[], None],
) -> None:
    for name in left:
        if name != left[0]:
            keep()
        display.start(name)
        started = time.monotonic()
        with account.stage(name):
            do(name)
        outputs = run.manifest().stages[name].outputs
        display.done(name, time.monotonic() - started, outputs)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    # Not in the run: a mounted bucket may not lock files, and the lock is no result.
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    try:
        with FileLock(Path(tempfile.gettempdir()) / f"phoque-{digest}.lock", timeout=0):
            yield
    except Timeout as error:
        raise PhoqueError(
            f"Another process works on the run {path}. Wait until it ends, or stop it."
        ) from error


@contextmanager
def _stopping_when_told() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        raise Stopped(signal.Signals(number).name)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
