"""The about tab: what this is and how to read it."""

import gradio as gr

from phoque.ui import components, wording
from phoque.ui.services import Services


def build_about(services: Services) -> None:
    """Draw the tab."""
    gr.Markdown(wording.ABOUT, elem_classes="ph-about")
    gr.HTML(components.source_html(services.info))
