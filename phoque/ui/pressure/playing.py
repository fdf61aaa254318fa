"""A policy that a visitor composed, on its way through the channel, beside one of the project."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import gradio as gr

from phoque.errors import PhoqueError
from phoque.run.channel import SHOWN, Said, Watched
from phoque.run.pressure import Turn
from phoque.stages.pressure.measures import Tally
from phoque.stages.pressure.policy import DEFAULT, Policy, Source, Strikes, read_policy
from phoque.ui.components import live_html, status_html
from phoque.ui.pressure import wording
from phoque.ui.pressure.drawing import Side, sides_html
from phoque.ui.services import Services
from phoque.ui.stopping import Run
from phoque.ui.wording import STOPPED

BESIDE = DEFAULT[-1]
"""The policy of the project that stands beside a visitor's own."""
CHOICES = ("embedded.toxblock", "embedded.svm", "embedded.lexicon", "embedded.semantic")
"""Moderators that a visitor may choose."""
CHOSEN = tuple(one.called for one in read_policy(DEFAULT[0])[0].moderators)
"""The visitor begins with what the other policy of the project does."""
WITHIN, MUTE = 600, 300
"""Seconds in which strikes count, and that a mute lasts: as in the policies of the project."""
A_STEP, A_LEAP = 3, 150
"""Messages between two updates of the page: at first, to be watched, and later."""
PAUSE_SECONDS = 0.25
"""Between two updates that are to be watched."""
WINDOW = 24
"""Messages on the page while more come."""
Update = tuple[str, Any]
"""Progress, and what is shown."""


def composed(
    moderators: Sequence[str], threshold: float, strikes: float, canonical: object
) -> Policy:
    """The policy of four controls.

    Raises:
        PhoqueError: there is no moderator.
    """
    if not moderators:
        raise PhoqueError(wording.NO_MODERATOR)
    return Policy(
        name=wording.YOURS,
        moderators=tuple(Source(use=name) for name in CHOICES if name in moderators),
        threshold=threshold,
        strikes=Strikes(count=int(strikes), within=WITHIN),
        mute=MUTE,
        canonical=bool(canonical),
    )


@dataclass
class Playing:
    policy: Policy
    first: list[Said] = field(default_factory=list)
    """The messages that stay on the page."""
    last: deque[Said] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def __post_init__(self) -> None:
        self._tally = Tally(self.policy)

    def add(self, turn: Turn) -> None:
        """Count a message, and keep it if it is to be seen."""
        self._tally.add(turn)
        if len(self.first) < SHOWN:
            self.first.append(Said.of(turn))
            self.last.append(self.first[-1])

    def side(self, *, whole: bool) -> Side:
        """As it is drawn: with all messages that stay, or while they come."""
        return Side(
            name=self.policy.name,
            settings=self.policy.in_words(),
            measures=self._tally.measures(),
            said=self.first if whole else self.last,
        )


def played(  # the run, and the values of four controls
    run: Run,
    services: Services,
    moderators: Sequence[str],
    threshold: float,
    strikes: float,
    canonical: object,
) -> Iterator[Update]:
    """The channel under the composed policy; yields the page as messages come."""
    yield status_html(wording.BEGINNING), gr.skip()
    try:
        own = composed(moderators, threshold, strikes, canonical)
        policies = (own, read_policy(BESIDE)[0])
        watched = services.press(policies)
        while step := run.result(partial(next, watched.steps, "")):
            yield status_html(step), gr.skip()
        if not run.stopped():
            yield from _watched(run, [Playing(one) for one in policies], watched)
    except PhoqueError as error:
        yield status_html(str(error), failed=True), gr.skip()
        return
    if run.stopped() and run.current:
        yield status_html(STOPPED), gr.skip()


def _watched(run: Run, sides: Sequence[Playing], watched: Watched) -> Iterator[Update]:
    drawn = time.monotonic()
    for number, turns in enumerate(watched.turns, 1):
        if run.stopped():
            return
        for side, turn in zip(sides, turns, strict=True):
            side.add(turn)
        if due(number) and number < watched.total:
            if number < SHOWN:
                run.pause(drawn + PAUSE_SECONDS - time.monotonic())
                if run.stopped():
                    return
            drawn = time.monotonic()
            yield _going_on(sides, number, watched.total)
    yield status_html(wording.DONE.format(watched.total)), _shown(sides, watched.total, whole=True)


def due(number: int) -> bool:
    """Whether the page is drawn after so many messages."""
    return number % (A_STEP if number <= SHOWN else A_LEAP) == 0


def _going_on(sides: Sequence[Playing], number: int, total: int) -> Update:
    text = wording.GOES_ON.format(number, total)
    bar = (
        f'<div class="ph-goes-on"><progress value="{number}" max="{total}" aria-label="{text}">'
        f'</progress><span aria-hidden="true">{text}</span></div>'
    )
    return bar, _shown(sides, number, whole=number >= SHOWN)


def _shown(sides: Sequence[Playing], number: int, *, whole: bool) -> str:
    which = (
        wording.FIRST.format(SHOWN, number)
        if whole
        else wording.LAST.format(min(number, WINDOW), number)
    )
    drawn = [one.side(whole=whole) for one in sides]
    return live_html("") + sides_html(drawn, which, live=not whole)
