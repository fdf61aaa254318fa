"""The empty components of a section, and what fills them."""

from collections.abc import Iterable
from typing import Any

import gradio as gr
from gradio.components.plot import PlotData

from phoque.ui.sections import Rendered, Section


class Frame:
    """A section's place on the page: heading, figures, and what stands below them."""

    def __init__(self, section: Section, tab: str) -> None:
        with gr.Column(elem_classes="ph-section", elem_id=f"ph-{tab}-{section.key}"):
            self.head = gr.HTML()
            self.plots = [
                gr.Plot(show_label=False, container=False, visible=False, elem_classes="ph-plot")
                for _ in range(section.num_figures)
            ]
            self.tail = self.draw_tail()

    def draw_tail(self) -> gr.HTML:
        """The component below the figures."""
        return gr.HTML()

    @property
    def parts(self) -> list[Any]:
        """In the order of `filled`."""
        return [self.head, *self.plots, self.tail]


def filled(sections: Iterable[Rendered]) -> list[Any]:
    """Values for the parts of all frames."""
    return [part for section in sections for part in _filled(section)]


def _filled(section: Rendered) -> list[Any]:
    return [section.head, *(_plot(figure) for figure in section.figures), section.tail]


def _plot(figure: str | None) -> gr.Plot:
    value = PlotData(type="plotly", plot=figure) if figure else None
    return gr.Plot(value=value, visible=figure is not None)
