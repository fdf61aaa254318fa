"""The SAE tab: which features the tuning moved. Drawn when it is opened."""

from functools import partial
from typing import Any

import gradio as gr

from phoque.errors import PhoqueError
from phoque.ui import components
from phoque.ui.events import MODEL_QUEUE, PRIVATE, QUICK, QUIET, Opening
from phoque.ui.filling import carry_out, hidden_order, order
from phoque.ui.frames import Frame, filled
from phoque.ui.sae import latents, wording
from phoque.ui.sae.dashboard import dashboard_html
from phoque.ui.sae.data import PAGE, SaeFolder, sae_folder
from phoque.ui.sae.page import SECTIONS, drawn_sections
from phoque.ui.sae.trying import tried
from phoque.ui.served import served
from phoque.ui.services import Services

LATENT_PRESSED = """element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-latent]');
  if (button) trigger('click', { latent: button.dataset.latent });
});"""
SCROLL = "() => document.querySelector('.ph-dashboard')?.scrollIntoView({ block: 'nearest' })"
NOTHING_CHOSEN = f'<p class="ph-empty">{wording.NO_LATENT}</p>'
STRONGEST = 0.5


def build_sae(services: Services) -> Opening:
    """Draw the frame; returns what fills it when the tab is opened."""
    gr.HTML(components.note_html(wording.INTRO))
    frames = {
        section.key: (_LatentFrame if section is latents.SECTION else Frame)(section, "sae")
        for section, _ in SECTIONS
    }
    tables = frames[latents.SECTION.key]
    assert isinstance(tables, _LatentFrame)
    with gr.Row(elem_classes="ph-bar"):
        save = gr.DownloadButton(wording.SAVED, size="sm", visible=False, min_width=60)
    number = _draw_trying(services)
    folder = sae_folder(services.run)
    shown = gr.State("")
    parts = [part for frame in frames.values() for part in frame.parts]
    outputs = [shown, tables.dashboard, save, *parts]

    def show(seen: str) -> list[Any]:
        """Everything; nothing where it is on the page already."""
        key = str(hash(folder.stamp))
        if key == seen:
            return [gr.skip() for _ in outputs]
        return [key, NOTHING_CHOSEN, _saved(folder), *filled(drawn_sections(folder))]

    def opened(now: str, event: gr.EventData) -> tuple[str, str]:
        shown, latent = _opened(folder, str(event.latent))
        return shown, order([now], [now if latent is None else latent])

    orders = hidden_order()
    carry_out(orders.change, orders, [number])
    for pressed in (tables.tail, tables.dashboard):
        pressed.click(opened, number, [tables.dashboard, orders], **QUICK).then(
            None, None, js=SCROLL, **PRIVATE
        )
    return Opening(show, [shown], outputs)


class _LatentFrame(Frame):
    """The tables with the evidence of the latent that was pressed below them."""

    dashboard: gr.HTML

    def draw_tail(self) -> gr.HTML:
        tail = gr.HTML(js_on_load=LATENT_PRESSED)
        self.dashboard = gr.HTML(NOTHING_CHOSEN, js_on_load=LATENT_PRESSED)
        return tail


def _opened(folder: SaeFolder, latent: str) -> tuple[str, str | None]:
    """The evidence of a latent, and its number; none where it cannot be tried."""
    try:
        return dashboard_html(folder, latent), latent if latent.isdigit() else None
    except PhoqueError as error:
        return components.status_html(str(error), failed=True), None


def _saved(folder: SaeFolder) -> gr.DownloadButton:
    file = served(folder.path / PAGE, "phoque-sae-report.html")
    return gr.DownloadButton(value=file, visible=file is not None)


def _draw_trying(services: Services) -> gr.Textbox:
    """The live box; returns the number that a pressed latent fills in."""
    with gr.Column(elem_classes="ph-section", elem_id="ph-sae-try"):
        gr.HTML(components.section_html(wording.TRY_TITLE, wording.TRY_HINT))
        with gr.Row(elem_classes="ph-ask"):
            prompt = gr.Textbox(label=wording.TRY_PROMPT, lines=1, scale=4, min_width=240)
            latent = gr.Textbox(label=wording.TRY_LATENT, max_lines=1, min_width=110)
            strength = gr.Slider(
                -STRONGEST, STRONGEST, 0.2, step=0.05, label=wording.TRY_DOSE, min_width=200
            )
            run = gr.Button(wording.TRY_RUN, variant="primary", scale=0, min_width=90)
            stop = gr.Button(wording.TRY_STOP, variant="stop", scale=0, min_width=90)
        status = gr.HTML()
        with gr.Row(elem_classes="ph-columns", equal_height=True):
            logs = [_draw_column(name) for name in ("Neutral", wording.TRY_COLUMN)]
    running = gr.on(
        [run.click, prompt.submit],
        partial(_tried, services),
        [prompt, latent, strength],
        [status, *logs],
        **QUIET,
        **MODEL_QUEUE,
        **PRIVATE,
    )
    stop.click(None, cancels=[running], **QUICK)
    return latent


def _draw_column(name: str) -> gr.HTML:
    with gr.Column(min_width=280, elem_classes="ph-column"):
        gr.HTML(f"<h3>{name}</h3>")
        return gr.HTML()


def _tried(services: Services, prompt: str, latent: str, strength: float) -> Any:
    yield from tried(services, prompt, latent, strength)
