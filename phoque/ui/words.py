"""Word by word: how far along the persona vector one and the same reader is, in every reply shown."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from statistics import fmean, stdev
from typing import Any

import gradio as gr

from phoque.conversation import Condition, TokenStrength
from phoque.errors import PhoqueError
from phoque.run.showcase import Showcase
from phoque.ui import wording
from phoque.ui.components import status_html
from phoque.ui.parts import embedded
from phoque.ui.services import Services
from phoque.ui.state import EXTRAS, MOVED, ChatState
from phoque.ui.stopping import Run

FEWEST = 8
"""Tokens of the reply that gives zero and unit: fewer have no spread to speak of."""
Update = tuple[str, Any]
"""Status line, and what is shown."""
Read = Mapping[Condition, Sequence[TokenStrength]]


@dataclass(frozen=True)
class Words:
    """Reads the replies of a panel when it is asked to."""

    services: Services
    showcase: Showcase | None

    def read(self, run: Run, shown: str, state: ChatState, layer: float) -> Iterator[Update]:
        """Read what is shown; `shown` is the place of a recorded comparison, empty for live replies."""
        run.written()  # nothing of the conversation changes: a message need not wait for it
        try:
            prompt, replies = self._recorded(shown) if shown else _live(state)
            for told in run.warming(self.services):
                yield status_html(told), gr.skip()
            yield from self._read(run, prompt, replies, int(layer))
        except PhoqueError as error:
            yield status_html(str(error), failed=True), ""
            return
        if run.stopped() and run.current:
            yield status_html(wording.STOPPED), ""

    def _read(
        self, run: Run, prompt: str, replies: Mapping[Condition, str], layer: int
    ) -> Iterator[Update]:
        start, found = time.monotonic(), {}
        for number, (condition, reply) in enumerate(replies.items(), 1):
            if run.stopped():
                return
            yield status_html(wording.READS.format(number, len(replies))), gr.skip()
            found[condition] = self.services.strengths(prompt, reply, layer, run.stopped)
        if not run.stopped():
            told = wording.HAS_READ.format(
                f"{len(found)} replies" if len(found) > 1 else "1 reply", layer
            )
            seconds = f"{time.monotonic() - start:.1f} s"
            shown = words_html(found, layer, self.services.info.persona)
            yield status_html(f"{told} · {seconds} · {wording.LIVE}"), shown

    def _recorded(self, shown: str) -> tuple[str, dict[Condition, str]]:
        """The texts of a recorded comparison, by the places of its example and scale."""
        try:
            example, scale = map(int, shown.split())
            if self.showcase is None or min(example, scale) < 0:
                raise IndexError
            one = self.showcase.examples[example]
            columns = one.columns.items()
            return one.prompt, {c: own[scale if c in MOVED else 0].text for c, own in columns}
        except (ValueError, IndexError):
            raise PhoqueError(wording.NOTHING_TO_READ) from None


def _live(state: ChatState) -> tuple[str, dict[Condition, str]]:
    """The last reply of each column that answered the last prompt."""
    asked = state.settings[-1].conditions if state.settings else ()
    last = {condition: state.of(condition)[-1] for condition in asked}
    written = {c: turn.reply for c, turn in last.items() if turn.settled and turn.reply.strip()}
    if not written:
        raise PhoqueError(wording.NOTHING_TO_READ)
    return state.last_prompt, written


def words_html(found: Read, layer: int, persona: str) -> str:
    """A column a reply, as data for the script, in standard deviations of the calmest column.

    Raises:
        PhoqueError: that column has too few tokens.
    """
    calm = Condition.BASE if Condition.BASE in found else Condition.NEUTRAL
    places = [token.along for token in found.get(calm, ())]
    name = wording.column(calm, persona).name
    if len(places) < FEWEST or not (unit := stdev(places)):
        raise PhoqueError(wording.TOO_FEW.format(name, len(places), FEWEST))
    zero = fmean(places)
    columns = [
        {
            "kind": condition.value,
            "name": wording.column(condition, persona).marked,
            "extra": condition in EXTRAS,
            "tokens": [[one.text, round((one.along - zero) / unit, 2)] for one in tokens],
        }
        for condition, tokens in found.items()
    ]
    hint = wording.WORDS_HINT.format(layer=layer, calm=name, n=len(places))
    return (
        f'<div class="ph-scrub ph-words" data-draw="words">{embedded({"columns": columns})}'
        f'<p class="ph-hint">{escape(hint)}</p><div class="ph-words-columns"></div>'
        f'<p class="ph-scrub-token" aria-live="polite">{escape(wording.WORDS_USE)}</p></div>'
    )
