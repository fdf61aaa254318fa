"""The moderation tab: what moderators see, what they flag, what passes. Drawn when it is opened."""

import gradio as gr

from phoque.errors import PhoqueError
from phoque.figures.shelf import WHAT_SLIPS_THROUGH
from phoque.run.folder import Reader
from phoque.ui import components
from phoque.ui.events import PRIVATE, QUICK, Opening
from phoque.ui.moderation import judging, sentence, wording
from phoque.ui.moderation.browser import browser
from phoque.ui.moderation.examples import cards
from phoque.ui.moderation.explorer import explorer
from phoque.ui.pressure.section import draw_pressure
from phoque.ui.results import Frame, drawer, results, sections, topic
from phoque.ui.services import Services

SECTIONS = sections(
    WHAT_SLIPS_THROUGH,
    hero=["gap", "flag_rates"],
    topic={"moderators": "Moderators", "functionalities": "Messages"},
    above={"gap": cards},
    below={"flag_rates": explorer, "gap": browser},
)
LABELS_CHANGED = "element.addEventListener('ph-labels', (event) => trigger('click', event.detail));"
SAVE = "(text) => text && phoque.download(text, 'phoque-test-set.csv', 'text/csv')"


def build_moderation(services: Services) -> Opening:
    """Draw the frame; returns what fills it when the tab is opened."""
    gr.HTML(components.note_html(wording.INTRO))
    frames = [Frame(section) for section in SECTIONS]
    topic(wording.TRY_TOPIC)
    _draw_sentence()
    draw_pressure(services)
    reader = Reader(services.run)
    queue = _draw_queue(reader)
    return results(SECTIONS, frames, lambda: reader, also=[(queue, judging.queue_html)])


def _draw_sentence() -> None:
    with drawer(wording.TRY_TITLE, "ph-moderation-try"):
        gr.HTML(components.live_html(wording.TRY_HINT))
        with gr.Row(elem_classes="ph-ask"):
            text = gr.Textbox(
                label=wording.TRY_LABEL,
                placeholder=wording.TRY_PLACEHOLDER,
                lines=1,
                max_lines=6,
                scale=5,
                min_width=280,
            )
            send = gr.Button(wording.TRY_BUTTON, variant="primary", scale=0, min_width=100)
        found = gr.HTML()
    gr.on([send.click, text.submit], scored, text, found, **QUICK)


def _draw_queue(reader: Reader) -> gr.HTML:
    with drawer(wording.QUEUE_TITLE, "ph-moderation-queue"):
        gr.HTML(components.live_html(wording.QUEUE_HINT))
        queue = gr.HTML(js_on_load=LABELS_CHANGED)
        said = gr.HTML()
        payload = gr.Textbox(visible="hidden")

    def judged(event: gr.EventData) -> tuple[str, str]:
        return counted(reader, event.labels, event.wanted, (event.who, event.reason))

    queue.click(judged, None, [said, payload], trigger_mode="multiple", **QUICK).then(
        None, payload, js=SAVE, **PRIVATE
    )
    return queue


def counted(reader: Reader, labels: str, wanted: str, entry: tuple[str, str]) -> tuple[str, str]:
    """What the verdicts come to, or what is wrong; and a test set where one is wanted."""
    who, reason = entry
    try:
        found = judging.read_labels(labels)
        if wanted == "summary":
            return judging.summary_html(reader, found), ""
        made = judging.saved(reader, found, with_text=wanted == "text", who=who, reason=reason)
        return components.status_html(wording.SAVED), made
    except PhoqueError as error:
        return components.status_html(str(error), failed=True), ""


def scored(text: str) -> str:
    """The sentence's scores, or what is wrong with it."""
    try:
        return sentence.scored_html(text)
    except PhoqueError as error:
        return components.status_html(str(error), failed=True)
