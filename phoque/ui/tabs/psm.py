"""The PSM tab: where a persona lives and what shows that it is causal. Drawn when it is opened."""

from typing import Any

import gradio as gr
from gradio.components.plot import PlotData

from phoque.ui import components
from phoque.ui.events import QUICK, Opening
from phoque.ui.psm import downloads, heatmap, wording
from phoque.ui.psm.data import PsmFolder, folder_named, folders
from phoque.ui.psm.page import SECTIONS, Rendered, rendered
from phoque.ui.psm.parts import Section
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
    frames = [_Frame(section) for section, _ in SECTIONS]
    replies = next(frame.replies for frame in frames if frame.replies)
    with gr.Row(elem_classes="ph-bar"):
        save = [_save_button(text) for text in wording.SAVED]
    shown = gr.State("")
    outputs = [shown, replies, *save, *(part for frame in frames for part in frame.parts)]

    def show(name: str, seen: str) -> list[Any]:
        """Everything for one persona; nothing where it is on the page already."""
        folder = folder_named(services.run, name)
        key = f"{folder.name} {hash(folder.stamp)}"
        if key == seen:
            return [gr.skip() for _ in outputs]
        files = map(_saved, downloads.copies(folder))
        return [key, NOTHING_CHOSEN, *files, *_parts(folder)]

    def replies_of(name: str, event: gr.EventData) -> str:
        folder = folder_named(services.run, name)
        return heatmap.replies_html(folder, int(event.layer), float(event.dose))

    persona.change(show, [persona, shown], outputs, **QUICK)
    for frame in frames:
        if frame.replies:
            frame.tail.click(replies_of, persona, replies, **QUICK)
    return Opening(show, [persona, shown], outputs)


class _Frame:
    """The empty components of one section."""

    def __init__(self, section: Section) -> None:
        self.replies: gr.HTML | None = None
        with gr.Column(elem_classes="ph-psm-section", elem_id=f"ph-psm-{section.key}"):
            self.head = gr.HTML()
            self.plots = [
                gr.Plot(show_label=False, container=False, visible=False, elem_classes="ph-plot")
                for _ in range(section.num_figures)
            ]
            if section is heatmap.SECTION:
                self._draw_heat()
            else:
                self.tail = gr.HTML()

    def _draw_heat(self) -> None:
        with gr.Row(elem_classes="ph-heat-row"):
            with gr.Column(min_width=300, scale=3):
                self.tail = gr.HTML(js_on_load=CELL_CLICKED)
            with gr.Column(min_width=300, scale=4):
                self.replies = gr.HTML(NOTHING_CHOSEN)

    @property
    def parts(self) -> list[Any]:
        """In the order of `_parts`."""
        return [self.head, *self.plots, self.tail]


def _parts(folder: PsmFolder) -> list[Any]:
    return [part for section in rendered(folder) for part in _section(section)]


def _section(section: Rendered) -> list[Any]:
    return [section.head, *(_plot(figure) for figure in section.figures), section.tail]


def _plot(figure: str | None) -> gr.Plot:
    value = PlotData(type="plotly", plot=figure) if figure else None
    return gr.Plot(value=value, visible=figure is not None)


def _save_button(text: str) -> gr.DownloadButton:
    return gr.DownloadButton(text, size="sm", visible=False, min_width=60)


def _saved(file: str | None) -> gr.DownloadButton:
    return gr.DownloadButton(value=file, visible=file is not None)


def _label(folder: PsmFolder) -> str:
    return f"{folder.persona} (trained into this model)" if folder.is_own else folder.persona
