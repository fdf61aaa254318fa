"""The attempts at a run: what each was asked for, what it did and how it ended.

Which stages are done is in the manifest alone; this file tells a retry from a new wish, and shows
afterwards how often a run was cut off and where.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from phoque.config import job_id
from phoque.files import read_json, write_json
from phoque.run.directory import RunDirectory

ATTEMPTS = "attempts.json"
COMPLETE, STOPPED, FAILED, KILLED = "complete", "stopped", "failed", "killed"
"""How an attempt ends; one that could not say so was killed."""


class Stopped(BaseException):
    """The process was told to end; nothing but the end of an attempt may catch it."""


def read_attempts(run: RunDirectory) -> list[dict[str, Any]]:
    """All attempts, oldest first; an attempt that is under way has the outcome None."""
    file = run.path / ATTEMPTS
    return list(read_json(file)) if file.is_file() else []


class Attempt:
    """One try at what was asked for; every change is written at once."""

    def __init__(self, run: RunDirectory, asked: Mapping[str, Any]) -> None:
        """Nothing is written before `whole`; `asked` is plain JSON and equal for a retry."""
        self._run = run
        earlier = read_attempts(run)
        for one in earlier:
            one["outcome"] = one["outcome"] or KILLED
        last = earlier[-1] if earlier else None
        self.is_retry = last is not None and last["asked"] == asked and last["outcome"] != COMPLETE
        """Whether the last attempt was asked for the same and did not get to its end."""
        self._own: dict[str, Any] = {
            "number": len(earlier) + 1,
            "started": _now(),
            "ended": None,
            "job": job_id(),
            "asked": dict(asked),
            "retry": self.is_retry,
            "stages": {},
            "at": None,
            "outcome": None,
        }
        self._all = [*earlier, self._own]

    @property
    def number(self) -> int:
        """Counted from 1 over the whole life of the run."""
        return int(self._own["number"])

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """The stage that is under way; seconds are entered when it is done."""
        self._own["at"] = name
        self._write()
        yield
        self._own["stages"][name] = self._run.manifest().stages[name].seconds
        self._own["at"] = None
        self._write()

    @contextmanager
    def whole(self) -> Iterator[None]:
        """All of the attempt; its outcome is entered whatever happens, short of a kill."""
        self._write()
        try:
            yield
        except (Stopped, KeyboardInterrupt):
            self._end(STOPPED)
            raise
        except BaseException as error:
            self._end(FAILED, error=f"{type(error).__name__}: {error}")
            raise
        self._end(COMPLETE)

    def _end(self, outcome: str, **facts: str) -> None:
        self._own |= {"outcome": outcome, "ended": _now(), **facts}
        self._write()

    def _write(self) -> None:
        write_json(self._run.path / ATTEMPTS, self._all)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
