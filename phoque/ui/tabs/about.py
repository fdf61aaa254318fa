"""The about tab: what this is and how to read it."""

import gradio as gr

from phoque.errors import PhoqueError
from phoque.figures.confounds import own_prompt, strongest
from phoque.figures.table import in_cell
from phoque.run.folder import Reader
from phoque.run.psm_rows import AntidoteReply, ConfoundReply
from phoque.run.psm_vector import Confounds
from phoque.ui import components, wording
from phoque.ui.services import Services


def build_about(services: Services) -> None:
    """Draw the tab."""
    gate = other_prompts(Reader(services.run))
    gr.Markdown(wording.ABOUT.format(gate=gate), elem_classes="ph-about")
    gr.HTML(components.source_html(services.info))


def other_prompts(reader: Reader) -> str:
    """What other system prompts do to the persona of a run, as Markdown."""
    try:
        own = own_prompt(reader.rows(AntidoteReply), reader.rows(ConfoundReply))
        return in_cell(strongest(reader.read(Confounds), own))
    except PhoqueError:
        return wording.UNKNOWN_GATE
