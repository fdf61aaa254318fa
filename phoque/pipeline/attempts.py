"""The attempts at a run: what each was asked for, what it did and how it ended.

Which stages are done is in the manifest alone; this file tells a retry from a new wish, and shows
afterwards how often a run was cut off and where.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from phoque.config import job_id
from phoque.run.directory import RunDirectory
from phoque.run.folder import command
from phoque.run.manifest import Asked, Attempt, Attempts


class Stopped(BaseException):
    """The process was told to end; nothing but the end of an attempt may catch it."""


def read_attempts(run: RunDirectory) -> tuple[Attempt, ...]:
    """All attempts, oldest first."""
    found = Attempts.load_if_there(run.path, command=command("all", run.path))
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
