"""The PSM tab: where a persona lives and what shows that it is causal. Drawn when it is opened."""

from typing import Any

import gradio as gr

from phoque.ui import components
from phoque.ui.events import QUICK, Opening
from phoque.ui.frames import Frame, filled
from phoque.ui.psm import downloads, heatmap, wording
from phoque.ui.psm.data import PsmFolder, folder_named, folders
from phoque.ui.psm.page import SECTIONS, drawn_sections
from phoque.ui.services import Services

CELL_CLICKED = """element.addEventListener('click', (event) => {
  const cell = event.target.closest('.ph-cell');
  if (cell) trigger('click', { layer: Number(cell.dataset.layer), dose: Number(cell.dataset.dose) });
});"""
NOTHING_CHOSEN = f'<p class="ph-empty">{wording.HEAT_EMPTY}</p>'


def build_psm(services: Services) -> Opening:
    """Draw the frame; returns what fills it when the tab is opened."""
    gr.HTML(components.note_html(wording.INTRO))
    names = [(_label(folder), folder.name) for folder in folders(services.run)]
    persona = gr.Dropdown(
        names,
        value=names[0][1],
        label=wording.PERSONA_LABEL,
        info=wording.PERSONA_HINT,
        elem_id="ph-persona",
    )
    frames = {
        section.key: (_HeatFrame if section is heatmap.SECTION else Frame)(section, "psm")
        for section, _ in SECTIONS
    }
    heat = frames[heatmap.SECTION.key]
    assert isinstance(heat, _HeatFrame)
    with gr.Row(elem_classes="ph-bar"):
        save = [_save_button(text) for text in wording.SAVED]
    shown = gr.State("")
    parts = [part for frame in frames.values() for part in frame.parts]
    outputs = [shown, heat.replies, *save, *parts]

    def show(name: str, seen: str) -> list[Any]:
        """Everything for one persona; nothing where it is on the page already."""
        folder = folder_named(services.run, name)
        key = f"{folder.name} {hash(folder.stamp)}"
        if key == seen:
            return [gr.skip() for _ in outputs]
        files = map(_saved, downloads.copies(folder))
        return [key, NOTHING_CHOSEN, *files, *filled(drawn_sections(folder))]

    def replies_of(name: str, event: gr.EventData) -> str:
        folder = folder_named(services.run, name)
        return heatmap.replies_html(folder, int(event.layer), float(event.dose))

    persona.change(show, [persona, shown], outputs, **QUICK)
    heat.tail.click(replies_of, persona, heat.replies, **QUICK)
    return Opening(show, [persona, shown], outputs)


class _HeatFrame(Frame):
    """The heat map with the replies of the cell that was pressed beside it."""

    replies: gr.HTML

    def draw_tail(self) -> gr.HTML:
        with gr.Row(elem_classes="ph-heat-row"):
            with gr.Column(min_width=300, scale=3):
                tail = gr.HTML(js_on_load=CELL_CLICKED)
            with gr.Column(min_width=300, scale=4):
                self.replies = gr.HTML(NOTHING_CHOSEN)
        return tail


def _save_button(text: str) -> gr.DownloadButton:
    return gr.DownloadButton(text, size="sm", visible=False, min_width=60)


def _saved(file: str | None) -> gr.DownloadButton:
    return gr.DownloadButton(value=file, visible=file is not None)


def _label(folder: PsmFolder) -> str:
    return f"{folder.persona} (trained into this model)" if folder.is_own else folder.persona
