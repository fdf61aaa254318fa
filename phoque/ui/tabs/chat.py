"""The chat tab: one prompt, three conditions, a slider. Which event goes to which handler."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

import gradio as gr

from phoque.errors import PhoqueError
from phoque.run.directory import RunDirectory
from phoque.run.showcase import Showcase
from phoque.ui import components, wording
from phoque.ui.chat_page import Page, draw_page
from phoque.ui.events import AT_ONCE, MODEL_QUEUE, PRIVATE, QUICK, QUIET
from phoque.ui.filling import carry_out, hidden_order, order
from phoque.ui.handlers import LARGEST_SEED, Handlers, Update
from phoque.ui.recorded import showcase_of
from phoque.ui.services import Services
from phoque.ui.snippet import opening
from phoque.ui.stopping import Place, Run, stoppable
from phoque.ui.verdicts import rules_of
from phoque.ui.words import Words

DICE = f"() => Math.floor(Math.random() * {LARGEST_SEED + 1})"
_TO_MODEL: dict[str, Any] = {**QUIET, **MODEL_QUEUE, **PRIVATE, **AT_ONCE}


@dataclass(frozen=True, kw_only=True)
class Panel:
    """The chat with one run."""

    number: int
    page: Page
    place: Place
    handlers: Handlers
    words: Words
    presets: list[str]
    snippet: str
    """Python that opens the run."""
    recorded: bool
    """Whether examples are shown as they were recorded."""

    def script(self, call: str) -> str:
        """A call of the script for this panel, with the value that it is given."""
        return f"(value) => phoque.recorded.{call.format(self.number)}"


def build_chat(services: Services, others: Sequence[Services] = ()) -> None:
    """Draw the tab and wire it: one panel a run, of which one is shown."""
    runs = (services, *others)
    if others:
        gr.HTML(components.personas_html([one.info.persona for one in runs]))
    for number, one in enumerate(runs):
        with gr.Column(elem_id=f"ph-panel-{number}", elem_classes="ph-panel"):
            _build_panel(one, number)
    # Without triggers and inputs, `gr.on` runs when the page opens.
    gr.on(None, None, js="() => phoque.start()", **PRIVATE)


def _build_panel(services: Services, number: int) -> None:
    showcase = _recordings(services.run)
    rules = rules_of(services.run, showcase)
    panel = Panel(
        number=number,
        page=draw_page(services.info, showcase, rules, number),
        place=Place(f"chat-{number}"),
        handlers=Handlers(services, rules),
        words=Words(services, showcase),
        presets=[prompt for _, prompt in services.info.presets],
        snippet=opening(services.run),
        recorded=showcase is not None,
    )
    _wire_runs(panel)
    _wire_recorded(panel)
    _wire_words(panel)
    _wire_dials(panel)
    _wire_tools(panel)
    _wire_opening(panel)


def _recordings(run: RunDirectory) -> Showcase | None:
    """What was recorded; where that is damaged the panel says so and asks the model alone."""
    try:
        return showcase_of(run)
    except PhoqueError as error:
        gr.HTML(f'<p class="ph-reading ph-gap">{escape(str(error))}</p>')
        return None


def _wire_runs(panel: Panel) -> None:
    """Everything that starts the model, and the two buttons that end it."""
    page, handlers, place = panel.page, panel.handlers, panel.place
    prompt, inputs = page.ask.prompt, [page.state, *page.dials.inputs]
    to_model = _TO_MODEL | {"outputs": page.outputs}
    numbered = to_model | {"js": place.asking()}
    ask, asked = stoppable(partial(_run, handlers)), [*place.inputs, prompt, *inputs]
    again = [*place.inputs, *inputs]
    gr.on([page.ask.run.click, prompt.submit], ask, asked, **numbered)
    page.tools.retry.click(stoppable(handlers.retry), again, **numbered)
    recorded = f"[phoque.recorded.prompt({panel.number}), ...others.slice(1)]"
    page.gate.live.click(ask, asked, js=place.asking(recorded), **to_model)
    moved = numbered | {"trigger_mode": "always_last"}
    page.gate.again.click(stoppable(handlers.steer), again, **moved).success(
        None, None, None, js=panel.script("fresh({})"), **PRIVATE
    )
    if not panel.recorded:
        _wire_chips(panel, again, numbered)
    carry_out(page.ask.orders.change, page.ask.orders, [prompt])
    ending = [*place.inputs, page.state]
    page.ask.stop.click(handlers.stop, ending, page.outputs, js=place.ending, **QUICK)
    page.tools.clear.click(None, None, prompt, js="() => ''", **PRIVATE)
    page.tools.clear.click(
        lambda *pressed: handlers.clear(*pressed)[1:],
        ending,
        page.outputs[1:],
        js=place.ending,
        **QUICK,
    )


def _wire_chips(panel: Panel, inputs: list[Any], numbered: dict[str, Any]) -> None:
    """Where nothing was recorded, an example is asked live."""
    prompt = panel.page.ask.prompt
    for chip, text in zip(panel.page.ask.chips, panel.presets, strict=True):
        chip.click(None, None, prompt, js=f"() => {json.dumps(text)}", **PRIVATE)

        def ask(run: Run, *chosen: Any, text: str = text) -> Iterator[Update]:
            return _run(panel.handlers, run, text, *chosen)

        chip.click(stoppable(ask), inputs, **numbered)


def _run(handlers: Handlers, run: Run, prompt: str, *chosen: Any) -> Iterator[Update]:
    """A run; what it would write into the prompt's box goes there only while the prompt stands in it."""
    for box, *others in handlers.run(run, prompt, *chosen):
        yield order([prompt], [box]) if isinstance(box, str) else box, *others


def _wire_recorded(panel: Panel) -> None:
    """What the script shows without the server: recorded replies, and which columns."""
    page, script = panel.page, panel.script
    page.gate.extras.change(None, page.gate.extras, None, js=script("extras({}, value)"), **PRIVATE)
    page.dials.scale.change(None, page.dials.scale, None, js=script("scale({}, value)"), **PRIVATE)
    page.tools.retry.click(None, None, None, js=script("talk({})"), **PRIVATE)
    if panel.recorded:
        page.gate.live.click(None, None, None, js=script("live({})"), **PRIVATE)
        page.tools.clear.click(None, None, None, js=script("show({})"), **PRIVATE)
        for place, chip in enumerate(page.ask.chips):
            chip.click(None, None, None, js=script(f"show({{}}, {place})"), **PRIVATE)


def _wire_words(panel: Panel) -> None:
    """What shades the replies' words; it is a run, too, and Stop ends it."""
    page, place, by_word = panel.page, panel.place, panel.page.by_word
    which = f"[phoque.recorded.which({panel.number}), ...others.slice(1)]"
    by_word.button.click(
        stoppable(panel.words.read),
        [*place.inputs, by_word.which, page.state, page.dials.layer],
        [page.status, by_word.shown],
        js=place.asking(which),
        **_TO_MODEL,
    ).success(None, None, None, js=panel.script("read({})"), **PRIVATE)


def _wire_dials(panel: Panel) -> None:
    """What the page shows of a setting at once, without the model."""
    dials = panel.page.dials
    for slider in (dials.scale, dials.layer):
        slider.change(
            panel.handlers.dose,
            [dials.scale, dials.layer],
            panel.page.dose,
            trigger_mode="always_last",
            **QUICK,
        )
    dials.dice.click(None, None, dials.seed, js=DICE, **PRIVATE)


def _wire_tools(panel: Panel) -> None:
    """What the page's script does by itself, and the export."""
    page, tools, named = panel.page, panel.page.tools, ""
    if panel.number:
        named = f", persona: {json.dumps(panel.handlers.persona)}"
    page.gate.reveal.click(None, js="() => phoque.toggleReveal()", **PRIVATE)
    tools.link.click(
        None,
        page.linked,
        js=f"(p, scale, layer, seed) => phoque.copyLink({{p, scale, layer, seed{named}}})",
        **PRIVATE,
    )
    tools.python.click(
        None,
        page.called,
        js="(prompt, scale, layer, seed, temperature, max_new_tokens) => phoque.copyPython("
        f"{panel.number}, {json.dumps(panel.snippet)}, prompt, "
        "{scale, layer, seed, temperature, max_new_tokens})",
        **PRIVATE,
    )
    tools.export.click(panel.handlers.exported, page.state, tools.payload, **QUICK).then(
        None, tools.payload, js="(text) => phoque.download(text)", **PRIVATE
    )


def _wire_opening(panel: Panel) -> None:
    """What happens as the page opens: a link fills the fields that nobody has touched before."""
    page, handlers = panel.page, panel.handlers
    drawn = [field.value for field in page.linked]
    orders = hidden_order()

    def linked(request: gr.Request) -> tuple[str, Any]:
        *values, status = handlers.from_link(request, first=not panel.number)
        welcome = components.status_html(wording.WELCOME)  # stands there already, or did
        return order(drawn, values), gr.skip() if status == welcome else status

    filled = gr.on(None, linked, None, [orders, page.status], **QUICK)
    carry_out(filled.then, orders, page.linked)
    gr.on(None, handlers.arrive, None, page.state, **QUICK)
