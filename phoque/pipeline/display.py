"""One progress display: which stage of how many, how long it took, how long the rest may take."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from phoque.config import SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.progress import span
from phoque.run.directory import MANIFEST, RunDirectory

MARK = "▶"
"""Lines of the display begin with it, so that they can be found in the log of a Job."""


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

    def begin(self, attempt: int, path: Path) -> None:
        """The attempt, and what is done already."""
        done = [name for name in self._stages if name not in self._left]
        already = f"; complete already: {', '.join(done)}" if done else ""
        self._tell(f"{MARK} attempt {attempt} at {path}{already}{self._rest()}")

    def start(self, name: str) -> None:
        known = f" · about {span(self._expected[name])}" if name in self._expected else ""
        self._tell(f"{MARK} {self._place(name)} started{known}{self._rest()}")

    def done(self, name: str, seconds: float, outputs: Iterable[str]) -> None:
        """A stage is complete, and what it wrote."""
        self._left.remove(name)
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
        return f"{since} · about {span(sum(known))} to go{without}"


def expected_seconds(run: Path, model: str) -> dict[str, float]:
    """What every stage took in the latest run of the same model beside `run`, or in the shipped one.

    They were other days on perhaps another machine: a guide, not a promise.
    """
    seconds: dict[str, float] = {}
    beside = sorted(run.parent.glob(f"*/{MANIFEST}"), key=lambda file: file.stat().st_mtime)
    for other in (SHIPPED_RUN, *(file.parent for file in beside)):
        with suppress(PhoqueError):  # a neighbour's damage is not this run's
            made = RunDirectory(other).manifest()
            if made.model == model:
                seconds |= {name: one.seconds for name, one in made.stages.items() if one.seconds}
    return seconds
