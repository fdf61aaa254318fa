"""Stages side by side: each is a process with its share of the cores, started when its inputs are made.

A stage waits for those of the same attempt that make what it reads; the report waits for all.
"""

import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from phoque.config import with_threads
from phoque.errors import PhoqueError
from phoque.run.needs import NEEDS, PARTS

LOOK_SECONDS = 0.2
"""Between two looks at which processes have ended."""
REPORT = "report"
Tell = Callable[[str], None]


class Worker:
    """The process of one stage; its lines are told with the stage's name before them."""

    def __init__(self, name: str, words: Sequence[str], threads: int, tell: Tell) -> None:
        self._name, self._last = name, deque(["it said nothing"], maxlen=1)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "phoque", "run", name, *words],
            env=with_threads(threads),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._listen, args=(tell,), daemon=True)
        self._reader.start()

    def _listen(self, tell: Tell) -> None:
        for line in self._process.stdout or ():
            if line.strip():
                self._last.append(line.strip())
                tell(f"{self._name:<10} {line.rstrip()}")

    def ended(self) -> bool:
        """Whether it is done; PhoqueError with the last line that it wrote if it failed."""
        status = self._process.poll()
        if status:
            self._reader.join()
            raise PhoqueError(
                f"{self._name} ended with status {status}: {self._last[0].removeprefix('Error: ')}"
            )
        return status == 0

    def stop(self) -> None:
        """End the process where it is still at work; what it has written stays."""
        self._process.terminate()
        self._process.wait()
        self._reader.join()


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
        waiting, running = list(stages), dict[str, Worker]()
        try:
            while waiting or running:
                new = ready(waiting, running)[: self.at_once - len(running)]
                threads = max(1, self.cores // max(1, len(running) + len(new)))
                for name in new:
                    waiting.remove(name)
                    begun(name)
                    running[name] = Worker(name, self.words[name], threads, self.tell)
                time.sleep(LOOK_SECONDS)
                for name in [name for name, worker in running.items() if worker.ended()]:
                    del running[name]
                    done(name)
        finally:
            for worker in running.values():
                worker.stop()
