"""The training tab: how a run was made, and the command for another. Drawn when it is opened."""

from typing import Any

import gradio as gr

from phoque.ui import components
from phoque.ui.events import QUICK, Opening
from phoque.ui.frames import Frame, filled
from phoque.ui.services import Services
from phoque.ui.tabs.planning import draw_planning
from phoque.ui.training import wording
from phoque.ui.training.data import known_runs, training_folder
from phoque.ui.training.page import SECTIONS, drawn_sections


def build_training(services: Services) -> Opening:
    """Draw the frame; returns what fills it when the tab is opened."""
    gr.HTML(components.note_html(wording.INTRO))
    run = gr.Dropdown(
        list(known_runs(services.run)),
        value=services.run.path.name,
        label=wording.RUN_LABEL,
        info=wording.RUN_HINT,
    )
    frames = [Frame(section, "training") for section, _ in SECTIONS]
    draw_planning()
    shown = gr.State("")
    outputs = [shown, *(part for frame in frames for part in frame.parts)]

    def show(name: str, seen: str) -> list[Any]:
        """Everything of one run; nothing where it is on the page already."""
        folder = training_folder(known_runs(services.run).get(name, services.run))
        key = f"{folder.run.path.name} {hash(folder.stamp)}"
        if key == seen:
            return [gr.skip() for _ in outputs]
        return [key, *filled(drawn_sections(folder))]

    run.change(show, [run, shown], outputs, **QUICK)
    return Opening(show, [run, shown], outputs)
