"""Stages side by side: each is a process with its share of the cores, started when its inputs are made.

A stage waits for those of the same attempt that make what it reads; the report waits for all.
"""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from phoque.config import for_child
from phoque.errors import PhoqueError
from phoque.run.needs import NEEDS, PARTS

LOOK_SECONDS = 0.2
"""Between two looks at which processes have ended."""
GRACE_SECONDS = 60.0
"""From being told to end until a process is killed; a checkpoint takes some of it."""
LISTEN_SECONDS = 2.0
"""The longest time to wait for the last lines of a process that has ended."""
REPORT = "report"
ERROR = "Error: "
"""A command's last words begin with it."""
Tell = Callable[[str], None]


class Worker:
    """The process of one stage; its lines are told with the stage's name before them."""

    def __init__(self, name: str, words: Sequence[str], threads: int, tell: Tell) -> None:
        self.name, self._tell = name, tell
        self._said = "it said nothing"
        self._trouble: Exception | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-m", "phoque", "run", name, *words],
            env=for_child(threads),
            stdin=subprocess.PIPE,  # it ends when this is closed, however this process ends
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def _listen(self) -> None:
        """Read to the end, also where nobody can be told: a full pipe would stop the stage."""
        for line in self._process.stdout or ():
            if not line.strip():
                continue
            if not self._said.startswith(ERROR):
                self._said = line.strip()
            try:
                if not self._trouble:
                    self._tell(f"{self.name:<10} {line.rstrip()}")
            except Exception as error:  # whatever it is, the main thread raises it
                self._trouble = error

    def ended(self) -> bool:
        """Whether it is done, well or not."""
        if self._trouble:
            raise self._trouble
        over = self._process.poll() is not None
        if over:
            self._reader.join(LISTEN_SECONDS)
        return over

    def fault(self) -> str:
        """Why it ended; empty if it is complete."""
        status = self._process.returncode
        if not status:
            return ""
        if status > 0:
            return f"{self.name} ended with status {status}: {self._said.removeprefix(ERROR)}"
        hint = " Perhaps memory ran out: give a lower --at-once." if status == -9 else ""  # SIGKILL
        return f"{self.name} was ended by {signal.Signals(-status).name}.{hint}"

    def tell_to_end(self) -> None:
        """It ends at its next step; what it has written stays."""
        self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Wait for the end, and kill it after so long."""
        try:
            self._process.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(LISTEN_SECONDS)


def ready(waiting: Iterable[str], running: Iterable[str]) -> list[str]:
    """Stages that can begin: nothing that they read has still to be made."""
    unmade = {*waiting, *running}
    return [name for name in waiting if not unmade & _waits_for(name, unmade - {name})]


def _waits_for(name: str, others: set[str]) -> set[str]:
    return others if name == REPORT else {PARTS[part].stage for part in NEEDS.get(name, ())}


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """A way to work through stages: as many at once as may be.

    One that fails, or a signal to end, ends the others; each goes on from its checkpoint later.
    """

    words: Mapping[str, Sequence[str]]
    """Of the command line of each stage."""
    at_once: int
    """The most processes."""
    cores: int
    tell: Tell
    """Hears every line of every stage."""

    def __call__(
        self, stages: Sequence[str], begun: Callable[[str], None], done: Callable[[str], None]
    ) -> None:
        """Run the stages, given in order; each is told when it begins and when it is done."""
        waiting, running = list(stages), list[Worker]()
        try:
            while waiting or running:
                new = ready(waiting, [one.name for one in running])[: self.at_once - len(running)]
                threads = max(1, self.cores // max(1, len(running) + len(new)))
                for name in new:
                    waiting.remove(name)
                    begun(name)
                    running.append(Worker(name, self.words[name], threads, self.tell))
                time.sleep(LOOK_SECONDS)
                _reap(running, done)
        finally:
            with _undisturbed():
                _end(running, done)


def _reap(running: list[Worker], done: Callable[[str], None]) -> None:
    """Take out those that are over; PhoqueError if one failed, when the others are accounted for."""
    over = [one for one in running if one.ended()]
    running[:] = [one for one in running if one not in over]
    for one in over:
        if not one.fault():
            done(one.name)
    if faults := [fault for one in over if (fault := one.fault())]:
        raise PhoqueError(faults[0])


def _end(running: Sequence[Worker], done: Callable[[str], None]) -> None:
    """Tell all to end before waiting for one; a stage that is complete by then counts."""
    for one in running:
        one.tell_to_end()
    last = time.monotonic() + GRACE_SECONDS
    for one in running:
        one.wait(last - time.monotonic())
    for one in running:  # only now: an error here leaves no process behind
        if not one.fault():
            done(one.name)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no second signal leave processes behind that nobody waits for."""
    before = {one: signal.signal(one, signal.SIG_IGN) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
