"""The chat tab: one prompt, three conditions, a slider. Which event goes to which handler."""

import random
from functools import partial
from typing import Any

import gradio as gr

from phoque.records import Condition
from phoque.ui.chat_page import Page, draw_page
from phoque.ui.events import MODEL_QUEUE, PRIVATE, QUICK, QUIET
from phoque.ui.handlers import LARGEST_SEED, Handlers
from phoque.ui.services import Services

FOURTH = (Condition.BASE, Condition.CONTROL)


def build_chat(services: Services) -> None:
    """Draw the tab and wire it."""
    handlers = Handlers(services)
    page = draw_page(services.info)
    _wire_runs(page, handlers, [prompt for _, prompt in services.info.presets])
    _wire_dials(page, handlers)
    _wire_tools(page, handlers)


def _wire_runs(page: Page, handlers: Handlers, presets: list[str]) -> None:
    """Everything that starts the model, and the two buttons that end it."""
    inputs = [page.state, *page.dials.inputs]
    to_model: dict[str, Any] = {"outputs": page.outputs, **QUIET, **MODEL_QUEUE, **PRIVATE}
    send = [page.ask.run.click, page.ask.prompt.submit]
    runs = [
        gr.on(send, handlers.run, [page.ask.prompt, *inputs], **to_model),
        page.tools.retry.click(handlers.retry, inputs, **to_model),
    ]
    for chip, prompt in zip(page.ask.chips, presets, strict=True):
        runs.append(chip.click(partial(handlers.run, prompt), inputs, **to_model))
    # First end the run, then mark what it wrote: a late piece or status of it must not come after.
    ended = page.ask.stop.click(None, cancels=runs, **QUICK)
    ended.then(handlers.stop, page.state, page.outputs, **QUICK)
    page.tools.clear.click(handlers.clear, page.state, page.outputs, cancels=runs, **QUICK)


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
    dials.dice.click(lambda: random.randint(0, LARGEST_SEED), None, dials.seed, **QUICK)
    dials.fourth.change(
        lambda chosen: [gr.Column(visible=condition == chosen) for condition in FOURTH],
        dials.fourth,
        [boxes[condition] for condition in FOURTH],
        **QUICK,
    )


def _wire_tools(page: Page, handlers: Handlers) -> None:
    """What the page's script does, and what a link sets when the page opens."""
    tools, dials = page.tools, page.dials
    linked = [page.ask.prompt, dials.scale, dials.layer, dials.seed]
    tools.reveal.click(None, js="() => phoque.toggleReveal()", **PRIVATE)
    tools.link.click(
        None, linked, js="(p, scale, layer, seed) => phoque.copyLink({p, scale, layer, seed})",
        **PRIVATE,
    )  # fmt: skip
    tools.export.click(handlers.exported, page.state, tools.payload, **QUICK).then(
        None, tools.payload, js="(text) => phoque.download(text)", **PRIVATE
    )
    # Without triggers and inputs, `gr.on` runs when the page opens.
    gr.on(None, None, js="() => phoque.start()", **PRIVATE)
    gr.on(None, handlers.from_link, None, [*linked, page.status], **QUICK)
    gr.on(None, handlers.arrive, None, page.state, **QUICK)
