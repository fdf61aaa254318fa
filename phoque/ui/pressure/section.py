"""The pressure test's drawer: four controls, two buttons, and what happens in the channel."""

from collections.abc import Iterator
from functools import partial
from html import escape
from typing import Any

import gradio as gr

from phoque.figures import pressure_measures
from phoque.run.folder import Reader
from phoque.run.moderation import called
from phoque.ui.events import AT_ONCE, PRIVATE, QUICK, QUIET
from phoque.ui.parts import REVEAL
from phoque.ui.pressure import wording
from phoque.ui.pressure.drawing import recorded
from phoque.ui.pressure.playing import BESIDE, CHOICES, CHOSEN, Update, played
from phoque.ui.results import Section, drawer, rendered
from phoque.ui.services import Services
from phoque.ui.stopping import Place, Run, stoppable

SECTION = Section(plan=pressure_measures.draw, instead=recorded)
"""What was recorded: sentence, channel, every measure, and where it comes from."""
_RUNS: dict[str, Any] = {
    "concurrency_id": "pressure",
    "concurrency_limit": 4,
    **QUIET,
    **PRIVATE,
    **AT_ONCE,
}
"""So many visitors watch a channel at once."""


def draw_pressure(services: Services) -> None:
    """Draw the drawer, which is filled when it is opened."""
    with drawer(wording.TITLE, "ph-moderation-pressure") as opened:
        gr.HTML(f'<p class="ph-hint">{escape(wording.HINT.format(BESIDE))}</p>{REVEAL}')
        controls = _draw_controls()
        with gr.Row(elem_classes="ph-bar"):
            run = gr.Button(wording.RUN, variant="primary", size="sm", min_width=60)
            stop = gr.Button(wording.STOP, variant="stop", size="sm", min_width=60)
        status = gr.HTML()
        shown = gr.HTML(elem_id="ph-pressure-shown")
    seen: gr.State = gr.State("")
    fill = partial(filled, Reader(services.run))
    opened.expand(fill, seen, [seen, shown], **QUICK)
    place = Place("pressure")

    def play(run: Run, *policy: Any) -> Iterator[Update]:
        return played(run, services, *policy)

    asked = [*place.inputs, *controls]
    run.click(stoppable(play), asked, [status, shown], js=place.asking(), **_RUNS)
    place.wire(stop, status)


def filled(reader: Reader, seen: str) -> tuple[Any, Any]:
    """The recorded channel; nothing where it is on the page already, or made room for a live one."""
    stamp = reader.folder(SECTION.plan.stage).stamp
    key = f"{reader.run.path} {hash(stamp)}"
    if key == seen:
        return gr.skip(), gr.skip()
    found = rendered(SECTION, reader, stamp)
    return key, found.head + found.tail


def _draw_controls() -> list[Any]:
    """In the order of `composed`."""
    with gr.Row():
        moderators = gr.CheckboxGroup(
            [(called(name), name) for name in CHOICES],
            value=list(CHOSEN),
            label=wording.MODERATORS,
            info=wording.MODERATORS_HINT,
            min_width=260,
        )
        canonical = gr.Checkbox(
            value=True, label=wording.CANONICAL, info=wording.CANONICAL_HINT, min_width=260
        )
    with gr.Row():
        threshold = _dial((0.05, 0.95, 0.05), 0.5, wording.THRESHOLD, wording.THRESHOLD_HINT)
        strikes = _dial((1, 10, 1), 3, wording.STRIKES, wording.STRIKES_HINT)
    return [moderators, threshold, strikes, canonical]


def _dial(reach: tuple[float, float, float], value: float, label: str, info: str) -> gr.Slider:
    low, high, step = reach
    return gr.Slider(low, high, value=value, step=step, label=label, info=info, min_width=260)
