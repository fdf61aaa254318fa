"""The chat tab: one prompt, three conditions, a slider. Which event goes to which handler."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr

from phoque.conversation import Condition
from phoque.ui import components, wording
from phoque.ui.chat_page import Page, draw_page
from phoque.ui.events import MODEL_QUEUE, PRIVATE, QUICK, QUIET
from phoque.ui.filling import carry_out, hidden_order, order
from phoque.ui.handlers import LARGEST_SEED, Handlers, Update
from phoque.ui.services import Services

FOURTH = (Condition.BASE, Condition.RANDOM_VECTOR)
DICE = f"() => Math.floor(Math.random() * {LARGEST_SEED + 1})"


def build_chat(services: Services) -> None:
    """Draw the tab and wire it."""
    handlers = Handlers(services)
    page = draw_page(services.info)
    _wire_runs(page, handlers, [prompt for _, prompt in services.info.presets])
    _wire_dials(page, handlers)
    _wire_tools(page)
    _wire_export(page, handlers)
    _wire_opening(page, handlers)


def _wire_runs(page: Page, handlers: Handlers, presets: list[str]) -> None:
    """Everything that starts the model, and the two buttons that end it."""
    prompt, inputs = page.ask.prompt, [page.state, *page.dials.inputs]
    to_model: dict[str, Any] = {"outputs": page.outputs, **QUIET, **MODEL_QUEUE, **PRIVATE}
    send = [page.ask.run.click, prompt.submit]
    runs = [
        gr.on(send, partial(_run, handlers), [prompt, *inputs], **to_model),
        page.tools.retry.click(handlers.retry, inputs, **to_model),
    ]
    for chip, text in zip(page.ask.chips, presets, strict=True):
        chip.click(None, None, prompt, js=f"() => {json.dumps(text)}", **PRIVATE)
        runs.append(chip.click(partial(_run, handlers, text), inputs, **to_model))
    carry_out(page.ask.orders.change, page.ask.orders, [prompt])
    # First end the run, then mark what it wrote: a late piece or status of it must not come after.
    ended = page.ask.stop.click(None, cancels=runs, **QUICK)
    ended.then(handlers.stop, page.state, page.outputs, **QUICK)
    page.tools.clear.click(None, None, prompt, js="() => ''", **PRIVATE)
    page.tools.clear.click(
        lambda state: handlers.clear(state)[1:],
        page.state,
        page.outputs[1:],
        cancels=runs,
        **QUICK,
    )


def _run(handlers: Handlers, prompt: str, *chosen: Any) -> Iterator[Update]:
    """A run; what it would write into the prompt's box goes there only while the prompt stands in it."""
    for box, *others in handlers.run(prompt, *chosen):
        yield order([prompt], [box]) if isinstance(box, str) else box, *others


def _wire_dials(page: Page, handlers: Handlers) -> None:
    """What the page shows of a setting at once, without the model."""
    dials, boxes = page.dials, page.columns.boxes
    for slider in (dials.scale, dials.layer):
        slider.change(
            handlers.dose,
            [dials.scale, dials.layer],
            page.dose,
            trigger_mode="always_last",
            **QUICK,
        )
    dials.dice.click(None, None, dials.seed, js=DICE, **PRIVATE)
    dials.fourth.change(
        lambda chosen: [gr.Column(visible=condition == chosen) for condition in FOURTH],
        dials.fourth,
        [boxes[condition] for condition in FOURTH],
        **QUICK,
    )


def _wire_tools(page: Page) -> None:
    """What the page's script does by itself."""
    tools = page.tools
    tools.reveal.click(None, js="() => phoque.toggleReveal()", **PRIVATE)
    tools.link.click(
        None, page.linked, js="(p, scale, layer, seed) => phoque.copyLink({p, scale, layer, seed})",
        **PRIVATE,
    )  # fmt: skip


def _wire_export(page: Page, handlers: Handlers) -> None:
    tools = page.tools
    tools.export.click(handlers.exported, page.state, tools.payload, **QUICK).then(
        None, tools.payload, js="(text) => phoque.download(text)", **PRIVATE
    )


def _wire_opening(page: Page, handlers: Handlers) -> None:
    """What happens as the page opens: a link fills the fields that nobody has touched before."""
    drawn = [field.value for field in page.linked]
    orders = hidden_order()

    def linked(request: gr.Request) -> tuple[str, Any]:
        *values, status = handlers.from_link(request)
        welcome = components.status_html(wording.WELCOME)  # stands there already, or did
        return order(drawn, values), gr.skip() if status == welcome else status

    # Without triggers and inputs, `gr.on` runs when the page opens.
    gr.on(None, None, js="() => phoque.start()", **PRIVATE)
    filled = gr.on(None, linked, None, [orders, page.status], **QUICK)
    carry_out(filled.then, orders, page.linked)
    gr.on(None, handlers.arrive, None, page.state, **QUICK)
