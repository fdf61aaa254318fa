"""The chat tab: one prompt, three conditions, a slider. Which event goes to which handler."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import gradio as gr

from phoque.config import SHIPPED_RUN, SHIPPED_RUNS
from phoque.errors import PhoqueError
from phoque.run.directory import RunDirectory
from phoque.run.showcase import Showcase
from phoque.ui import components
from phoque.ui.chat_page import Page
from phoque.ui.events import AT_ONCE, MODEL_QUEUE, PRIVATE, QUICK, QUIET, carry_out, order
from phoque.ui.handlers import LARGEST_SEED, Handlers, Update
from phoque.ui.parts import gap_html
from phoque.ui.recorded import showcase_of
from phoque.ui.services import Services
from phoque.ui.stopping import Place, Run, stoppable
from phoque.ui.verdicts import rules_of
from phoque.ui.words import Words

DICE = f"() => Math.floor(Math.random() * {LARGEST_SEED + 1})"
_TO_MODEL: dict[str, Any] = {**QUIET, **MODEL_QUEUE, **PRIVATE, **AT_ONCE}


def build_chat(services: Services, others: Sequence[Services] = ()) -> None:
    """Draw the tab and wire it: one panel a run, of which one is shown."""
    runs = (services, *others)
    if others:
        gr.HTML(components.personas_html([one.info.persona for one in runs]))
    for number, one in enumerate(runs):
        with gr.Column(
            elem_id=f"ph-panel-{number}", elem_classes=["ph-panel", f"ph-of-{one.info.persona}"]
        ):
            Panel(one, number)
    # Without triggers and inputs, `gr.on` runs when the page opens.
    gr.on(None, None, js="() => phoque.start()", **PRIVATE)


class Panel:
    """The chat with one run, and which event goes to which handler."""

    def __init__(self, services: Services, number: int) -> None:
        self.number, self.run, self.info = number, services.run, services.info
        self.showcase = _recordings(services.run)
        rules = rules_of(services.run, self.showcase)
        self.page = Page(services.info, self.showcase, rules, number)
        self.place = Place(f"chat-{number}")
        self.handlers = Handlers(services, rules)
        self.words = Words(services, self.showcase)
        self._wire_runs()
        self._wire_recorded()
        self._wire_words()
        self._wire_dials()
        self._wire_tools()
        self._wire_opening()

    def script(self, call: str) -> str:
        """A call of the script for this panel, with the value that it is given."""
        return f"(value) => phoque.recorded.{call.format(self.number)}"

    def asking(self, first: str) -> str:
        """The script that numbers a run; what the script knows stands in the place of the first value."""
        return self.place.asking(f"[phoque.recorded.{first}({self.number}), ...others.slice(1)]")

    def _wire_runs(self) -> None:
        """Everything that starts the model, and the two buttons that end it."""
        page, handlers, place = self.page, self.handlers, self.place
        again = [*place.inputs, page.state, *page.dials]
        ask, asked = stoppable(partial(_run, handlers)), [*place.inputs, page.prompt, *again[2:]]
        to_model = _TO_MODEL | {"outputs": page.outputs}
        numbered = to_model | {"js": place.asking()}
        gr.on([page.run.click, page.prompt.submit], ask, asked, **numbered)
        page.retry.click(stoppable(handlers.retry), again, **numbered)
        page.live.click(ask, asked, js=self.asking("prompt"), **to_model)
        moved = numbered | {"trigger_mode": "always_last"}
        page.again.click(stoppable(handlers.steer), again, **moved).success(
            None, None, None, js=self.script("fresh({})"), **PRIVATE
        )
        if not self.showcase:
            self._wire_chips(again, numbered)
        carry_out(page.orders.change, page.orders, [page.prompt])
        ending = [*place.inputs, page.state]
        page.stop.click(handlers.stop, ending, page.outputs, js=place.ending, **QUICK)
        page.clear.click(None, None, page.prompt, js="() => ''", **PRIVATE)
        page.clear.click(
            lambda *pressed: handlers.clear(*pressed)[1:],
            ending,
            page.outputs[1:],
            js=place.ending,
            **QUICK,
        )

    def _wire_chips(self, inputs: list[Any], numbered: dict[str, Any]) -> None:
        """Where nothing was recorded, an example is asked live."""
        for chip, (_, text) in zip(self.page.chips, self.page.presets, strict=True):
            chip.click(None, None, self.page.prompt, js=f"() => {json.dumps(text)}", **PRIVATE)

            def ask(run: Run, *chosen: Any, text: str = text) -> Iterator[Update]:
                return _run(self.handlers, run, text, *chosen)

            chip.click(stoppable(ask), inputs, **numbered)

    def _wire_recorded(self) -> None:
        """What the script shows without the server: recorded replies, and which columns."""
        page, script = self.page, self.script
        page.extras.change(None, page.extras, None, js=script("extras({}, value)"), **PRIVATE)
        page.scale.change(None, page.scale, None, js=script("scale({}, value)"), **PRIVATE)
        page.retry.click(None, None, None, js=script("talk({})"), **PRIVATE)
        if self.showcase:
            page.live.click(None, None, None, js=script("live({})"), **PRIVATE)
            page.clear.click(None, None, None, js=script("show({})"), **PRIVATE)
            for place, chip in enumerate(page.chips):
                shown = f"phoque.recorded.show({self.number}, {place})"
                told = f"() => ({shown}, {json.dumps(page.welcome)})"
                chip.click(None, None, page.status, js=told, **PRIVATE)

    def _wire_words(self) -> None:
        """What shades the replies' words; it is a run, too, and Stop ends it."""
        page = self.page
        page.by_word.click(
            stoppable(self.words.read),
            [*self.place.inputs, page.which, page.state, page.layer],
            [page.status, page.words],
            js=self.asking("which"),
            **_TO_MODEL,
        ).success(None, None, None, js=self.script("read({})"), **PRIVATE)

    def _wire_dials(self) -> None:
        """What the page shows of a setting at once, without the model."""
        page = self.page
        for slider in (page.scale, page.layer):
            slider.change(
                self.handlers.dose,
                [page.scale, page.layer],
                page.dose,
                trigger_mode="always_last",
                **QUICK,
            )
        page.dice.click(None, None, page.seed, js=DICE, **PRIVATE)

    def _wire_tools(self) -> None:
        """What the page's script does by itself, and the export."""
        page, named = self.page, ""
        if self.number:
            named = f", persona: {json.dumps(self.info.persona)}"
        page.reveal.click(None, js="() => phoque.toggleReveal()", **PRIVATE)
        page.link.click(
            None,
            page.linked,
            js=f"(p, scale, layer, seed) => phoque.copyLink({self.number}, "
            f"{{p, scale, layer, seed{named}}})",
            **PRIVATE,
        )
        page.python.click(
            None,
            page.called,
            js="(prompt, scale, layer, seed, temperature, max_new_tokens) => phoque.copyPython("
            f"{self.number}, {json.dumps(opening(self.run))}, prompt, "
            "{scale, layer, seed, temperature, max_new_tokens})",
            **PRIVATE,
        )
        page.export.click(self.handlers.exported, page.state, page.payload, **QUICK).then(
            None, page.payload, js="(text) => phoque.download(text)", **PRIVATE
        )

    def _wire_opening(self) -> None:
        """What happens as the page opens: a link fills the fields that nobody has touched before."""
        page, handlers, orders = self.page, self.handlers, gr.Textbox(visible="hidden")
        drawn = [field.value for field in page.linked]

        def linked(request: gr.Request) -> tuple[str, Any]:
            *values, status = handlers.from_link(request, first=not self.number)
            return order(drawn, values), status

        filled = gr.on(None, linked, None, [orders, page.status], **QUICK)
        carry_out(filled.then, orders, page.linked)
        gr.on(None, handlers.arrive, None, page.state, **QUICK)


def opening(run: RunDirectory) -> str:
    """The lines that open a run where the library is installed."""
    path, imports, argument = run.path.resolve(), ["import phoque"], ""
    if path.parent == SHIPPED_RUNS.resolve() and path != SHIPPED_RUN.resolve():
        imports.append("from phoque.config import SHIPPED_RUNS")
        argument = f"SHIPPED_RUNS / {json.dumps(path.name)}"
    elif path != SHIPPED_RUN.resolve():
        argument = json.dumps(f"runs/{path.name}")
    return "\n".join([*imports, "", f"lab = phoque.open_lab({argument})"])


def _recordings(run: RunDirectory) -> Showcase | None:
    """What was recorded; where that is damaged the panel says so and asks the model alone."""
    try:
        return showcase_of(run)
    except PhoqueError as error:
        gr.HTML(gap_html(str(error)))
        return None


def _run(handlers: Handlers, run: Run, prompt: str, *chosen: Any) -> Iterator[Update]:
    """A run; what it would write into the prompt's box goes there only while the prompt stands in it."""
    for box, *others in handlers.run(run, prompt, *chosen):
        yield order([prompt], [box]) if isinstance(box, str) else box, *others
