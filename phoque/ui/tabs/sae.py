"""The SAE tab: which features the tuning moved. Drawn when it is opened."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from phoque.errors import PhoqueError
from phoque.figures import shelf
from phoque.figures.figure import Figure
from phoque.run.folder import Reader
from phoque.run.sae import SaeReport
from phoque.ui import components
from phoque.ui.events import AT_ONCE, MODEL_QUEUE, PRIVATE, QUICK, QUIET, Opening, carry_out, order
from phoque.ui.parts import cards_html
from phoque.ui.results import Frame, drawer, results, sections
from phoque.ui.sae.cards import latent_cards
from phoque.ui.sae.dashboard import dashboard_html
from phoque.ui.sae.latents import latent_browser
from phoque.ui.sae.trying import Update, tried
from phoque.ui.services import Services
from phoque.ui.stopping import Place, Run, stoppable

INTRO = (
    "A sparse autoencoder (SAE) writes each state of the model as a sum of a few directions, called "
    "latents. Which latents did tuning move more than chance would, and more than the civil adapter did? Does "
    "any latent cause the persona? The texts hold trash-talk and stay hidden until you show them."
)
TRY_HINT = (
    "Run adds the direction of one latent to the neutral column. The strength is a share of the median length of the "
    "residual stream; a negative strength adds the opposite direction. The model answers live."
)
LATENT_PRESSED = """element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-latent]');
  if (button) trigger('click', { latent: button.dataset.latent });
});"""
SCROLL = "() => document.querySelector('.ph-dashboard')?.scrollIntoView({ block: 'nearest' })"
NOTHING_CHOSEN = '<p class="ph-empty">No latent chosen yet. Press one to see its evidence.</p>'
STRONGEST = 0.5


def cards(reader: Reader, _figure: Figure) -> str:
    """How large the dictionary is and what it read."""
    report = reader.read(SaeReport)
    preset = report.preset
    facts = {
        "Layer": str(report.layer),
        "Latents": f"{preset.d_sae:,}",
        "Latents a token (L0)": str(preset.k),
        "Training tokens": f"{preset.tokens:,}",
        "Seeds": ", ".join(map(str, preset.seeds)),
    }
    return cards_html(facts)


SECTIONS = sections(
    shelf.WHAT_MOVED,
    hero=["sae_shifts"],
    topic={"gates": "Dictionary", "latents": "Latents and prompts", "latents_toward": "Causes"},
    above={"gates": cards},
    below={"sae_shifts": latent_cards, "latents": latent_browser},
    pressed=dict.fromkeys(("sae_shifts", "latents"), LATENT_PRESSED),
)


def build_sae(services: Services) -> Opening:
    """Draw the frame; returns what fills it when the tab is opened."""
    reader = Reader(services.run)
    gr.HTML(components.note_html(INTRO))
    frames = {one.plan.key: Frame(one) for one in SECTIONS}
    with frames["latents"].box:
        dashboard = gr.HTML(NOTHING_CHOSEN, js_on_load=LATENT_PRESSED)
    latents = [frames[one.plan.key].tail for one in SECTIONS if one.pressed]
    number = _draw_trying(services)

    def opened(now: str, event: gr.EventData) -> tuple[str, str]:
        shown, latent = _opened(reader, str(event.latent))
        return shown, order([now], [now if latent is None else latent])

    orders = gr.Textbox(visible="hidden")
    carry_out(orders.change, orders, [number])
    for pressed in (*latents, dashboard):
        pressed.click(opened, number, [dashboard, orders], **QUICK).then(
            None, None, js=SCROLL, **PRIVATE
        )
    also = [(dashboard, lambda _: NOTHING_CHOSEN)]
    return results(SECTIONS, [*frames.values()], lambda: reader, also=also)


def _opened(reader: Reader, latent: str) -> tuple[str, str | None]:
    """The evidence of a latent, and its number; none where it cannot be tried."""
    try:
        return dashboard_html(reader, latent), latent if latent.isdigit() else None
    except PhoqueError as error:
        return components.status_html(str(error), failed=True), None


def _draw_trying(services: Services) -> gr.Textbox:
    """The live box; returns the number that a pressed latent fills in."""
    with drawer("What does one latent do? Try it", "ph-sae-try"):
        gr.HTML(components.live_html(TRY_HINT))
        with gr.Row(elem_classes="ph-ask"):
            prompt = gr.Textbox(label="Your message", lines=1, scale=4, min_width=240)
            latent = gr.Textbox(label="Latent", max_lines=1, min_width=110)
            strength = gr.Slider(
                -STRONGEST, STRONGEST, 0.2, step=0.05, label="Strength", min_width=200
            )
            run = gr.Button("Run", variant="primary", scale=0, min_width=90)
            stop = gr.Button("Stop", variant="stop", scale=0, min_width=90)
        status = gr.HTML()
        with gr.Row(elem_classes="ph-columns", equal_height=True):
            logs = [_draw_column(name) for name in ("Neutral", "Neutral + latent")]
    place = Place("sae")

    def ask(run: Run, *sent: Any) -> Iterator[Update]:
        return tried(run, services, *sent)

    gr.on(
        [run.click, prompt.submit],
        stoppable(ask),
        [*place.inputs, prompt, latent, strength],
        [status, *logs],
        js=place.asking(),
        **QUIET,
        **MODEL_QUEUE,
        **PRIVATE,
        **AT_ONCE,
    )
    place.wire(stop, status)
    return latent


def _draw_column(name: str) -> gr.HTML:
    with gr.Column(min_width=280, elem_classes="ph-column"):
        gr.HTML(f"<h3>{name}</h3>")
        return gr.HTML()
