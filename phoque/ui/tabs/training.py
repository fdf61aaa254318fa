"""The training tab: how a run was made, and the command for another. Drawn when it is opened."""

from typing import Any

import gradio as gr

from phoque.ui import components
from phoque.ui.events import QUICK, Opening
from phoque.ui.frames import Frame, filled
from phoque.ui.services import Services
from phoque.ui.training import planning, wording
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
    _draw_planning()
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


def _draw_planning() -> None:
    with gr.Column(elem_classes="ph-section", elem_id="ph-training-plan"):
        gr.HTML(components.section_html(wording.PLAN_TITLE, wording.PLAN_HINT))
        with gr.Row():
            name = gr.Textbox("mine", label=wording.PLAN_RUN, max_lines=1, min_width=180)
            model = gr.Dropdown(
                planning.MODELS, value="lab", label=wording.PLAN_MODEL, min_width=180
            )
            target = gr.Radio(wording.TARGETS, value="local", label=wording.PLAN_TARGET)
        with gr.Row(visible=False) as job:
            flavor = gr.Dropdown(
                planning.flavors(), value=planning.DEFAULT_FLAVOR, label=wording.PLAN_FLAVOR
            )
            hours = gr.Slider(0.5, 24, 4, step=0.5, label=wording.PLAN_HOURS)
            attempts = gr.Slider(1, 10, 3, step=1, label=wording.PLAN_ATTEMPTS)
        inputs: list[Any] = [name, model, target, flavor, hours, attempts]
        found = gr.HTML(planning.planned_html(*(one.value for one in inputs)))
    target.change(lambda where: gr.Row(visible=where == "jobs"), target, job, **QUICK)
    for one in inputs:
        one.change(planning.planned_html, inputs, found, trigger_mode="always_last", **QUICK)
