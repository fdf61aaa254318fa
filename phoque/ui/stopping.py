"""Stop is a flag that a run reads, so that it ends by itself and has the last word on the page.

The page numbers what a visitor presses. A run is asked for with its number and that of the last Stop.
A Stop ends the runs with smaller numbers, also one that arrives late, and none that is asked for later.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Any, TypeVar

import gradio as gr

from phoque.ui import wording
from phoque.ui.components import status_html
from phoque.ui.events import QUICK
from phoque.ui.services import Services

T = TypeVar("T")
PRESSED = "Pressed"
"""Label of the field that nobody sees, in which the page sends its numbers."""
POLL_SECONDS = 0.05
"""How often a run that waits looks at the flag."""


@dataclass
class Runs:
    """A visitor's runs in one place of the page; Gradio keeps and forgets it with the session."""

    stopped: int = 0
    """Runs up to this number are to end."""
    cleared: int = 0
    """What runs up to this number wrote is to be forgotten, too."""
    newest: int = 0
    """The run that goes on; 0 if there is none."""
    writing: bool = False
    """Whether it still writes. One whose replies are only being read makes room for the next."""

    def begin(self, number: int, stopped: int = 0) -> "Run | None":
        """The run; None if it was stopped before it began, or another one still writes."""
        self.stop(stopped)
        if number <= self.stopped or (self.writing and self.newest > self.stopped):
            return None
        self.newest, self.writing = number, True
        return Run(self, number)

    def stop(self, number: int) -> bool:
        """End what was asked for before; says whether a run goes on, which then has the last word."""
        self.stopped = max(self.stopped, number)
        return bool(self.newest)

    def clear(self, number: int) -> None:
        """Like `stop`, and what was written is forgotten."""
        self.cleared = max(self.cleared, number)
        self.stop(number)


@dataclass(frozen=True)
class Run:
    """One run, which asks whether it is to end."""

    runs: Runs = field(repr=False)
    number: int

    @property
    def current(self) -> bool:
        """Whether the page is still this run's, and not a later one's."""
        return self.runs.newest == self.number

    @property
    def cleared(self) -> bool:
        """Whether what it wrote is to be forgotten."""
        return self.number <= self.runs.cleared

    def stopped(self) -> bool:
        """Whether it is to end."""
        return self.number <= self.runs.stopped or not self.current

    def written(self) -> None:
        """All is written; from now on the next run may begin."""
        if self.current:
            self.runs.writing = False

    def end(self) -> None:
        if self.current:
            self.runs.newest, self.runs.writing = 0, False

    def pause(self, seconds: float) -> None:
        """Wait so long, or until it is stopped."""
        end = time.monotonic() + seconds
        while not self.stopped() and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, POLL_SECONDS))

    def warming(self, services: Services) -> Iterator[str]:
        """What is said while the model loads; ends once it is ready, has failed, or the run is stopped."""
        while not (status := services.wait(POLL_SECONDS)).settled and not self.stopped():
            yield f"{wording.WAITING} {status.text}"

    def result(self, call: Callable[[], T]) -> T | None:
        """What `call` returns; None once the run is stopped, although the call may still work."""
        done: Future[T] = Future()
        threading.Thread(target=_into, args=(done, call), daemon=True).start()
        while not self.stopped():
            if wait([done], POLL_SECONDS).done:
                return done.result()
        return None


def _into(done: Future[T], call: Callable[[], T]) -> None:
    try:
        done.set_result(call())
    except BaseException as error:  # raised where the result is taken
        done.set_exception(error)


def stoppable(write: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """`write`, which takes a run and then what the page sends, as an event's function."""

    def started(runs: Runs, pressed: str, *sent: Any) -> Iterator[Any]:
        if run := runs.begin(*map(int, pressed.split())):
            try:
                yield from write(run, *sent)
            finally:
                run.end()

    return started


@dataclass(frozen=True)
class Place:
    """A place of the page with a Stop of its own; made where the page is drawn."""

    name: str
    runs: gr.State = field(default_factory=lambda: gr.State(Runs()))
    pressed: gr.Textbox = field(default_factory=lambda: gr.Textbox(label=PRESSED, visible="hidden"))

    @property
    def inputs(self) -> list[Any]:
        """What comes first among an event's inputs."""
        return [self.runs, self.pressed]

    def asking(self, others: str = "others") -> str:
        """The script that numbers a run; `others` are the arguments after the first two, as sent."""
        return f"(runs, _, ...others) => [runs, phoque.asked({self.name!r}), ...{others}]"

    def wire(self, stop: gr.Button, status: gr.HTML) -> None:
        """Stop ends the run, and the page says so before the run does."""
        said = status_html(wording.STOPPED)

        def press(runs: Runs, pressed: str) -> str:
            runs.stop(int(pressed))
            return said

        stop.click(press, self.inputs, status, js=self.ending, **QUICK)

    @property
    def ending(self) -> str:
        """The script that numbers a Stop."""
        return f"(runs, _, ...others) => [runs, phoque.stopped({self.name!r}), ...others]"
