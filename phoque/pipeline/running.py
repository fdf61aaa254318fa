"""Run stages in order, so that whatever ends the process, the next one goes on from there."""

import hashlib
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from phoque.errors import PhoqueError
from phoque.pipeline.attempts import Account, Stopped
from phoque.pipeline.choice import unfinished
from phoque.pipeline.display import Display
from phoque.run.directory import RunDirectory
from phoque.run.manifest import Asked


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
