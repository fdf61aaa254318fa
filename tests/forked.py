"""`python -m training …` as a process that starts at once: what it imports is loaded before it is forked.

A process of its own all the same: with its own environment and output, and a signal ends it alone.
"""

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path

PATIENCE_SECONDS = 500.0


@cache
def processes() -> ForkServerContext:
    """Where processes come from that need no seconds for their imports."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.long_training", "tests.forked_imports"])
    return context


class Forked:
    """A process that runs the command line of `training`; `stdout` is what it says, line by line."""

    def __init__(
        self, words: Sequence[object], *, errors: Path | None = None, **environment: str
    ) -> None:
        """Start it.

        Args:
            words: of the command line, after `python -m training`.
            errors: file for what it says on stderr; None: on stdout, too.
            environment: what differs from the variables of this process.
        """
        mine, its = multiprocessing.Pipe(duplex=False)
        told = [str(word) for word in words], os.environ | environment, its, errors
        self._process = processes().Process(target=_run, args=told)
        self._process.start()
        its.close()
        self.stdout = os.fdopen(os.dup(mine.fileno()), encoding="utf-8")
        mine.close()

    def poll(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self._process.pid, number)

    def ended(self) -> tuple[int, str]:
        """Wait until it ends: the exit status, and what it had still to say."""
        with self.stdout:
            said = self.stdout.read()
        self._process.join(PATIENCE_SECONDS)
        return self._process.exitcode, said


def _run(
    words: list[str], environment: Mapping[str, str], out: Connection, errors: Path | None
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(out.fileno(), 1)
    os.dup2(os.open(errors, os.O_CREAT | os.O_WRONLY) if errors else 1, 2)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1) for number in (1, 2))
    sys.argv = ["training", *words]
    from training.__main__ import main

    sys.exit(main())
