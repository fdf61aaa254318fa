"""The training tab: how a run was made, and the command for another. Drawn when it is opened."""

from typing import Any

import gradio as gr

from phoque.figures import lora_norms, samples, shelf
from phoque.figures.curves import RUNS
from phoque.run.directory import MANIFEST, RunDirectory
from phoque.run.folder import Reader
from phoque.ui import components
from phoque.ui.events import QUICK, Opening
from phoque.ui.results import Frame, Section, results
from phoque.ui.services import Services
from phoque.ui.tabs.planning import draw_planning
from phoque.ui.training.samples import norms_gap_html, replies_html

INTRO = (
    "How a run was made: what it learned from, how it learned, how long each stage took; and the "
    "command for a run of your own, here or as a Hugging Face Job. Only the owner of a Space can "
    "start one from here."
)
ABOVE = {lora_norms.draw: norms_gap_html}
BELOW = {samples.draw: replies_html}
SECTIONS = tuple(
    Section(plan=plan, hero=plan is samples.draw, above=ABOVE.get(plan), below=BELOW.get(plan))
    for plan in shelf.HOW_IT_LEARNED
)


def build_training(services: Services) -> Opening:
    """Draw the frame; returns what fills it when the tab is opened."""
    with gr.Row(elem_classes="ph-intro"):
        with gr.Column(scale=3, min_width=280):
            gr.HTML(components.note_html(INTRO))
        run = gr.Dropdown(
            list(known_runs(services.run)),
            value=services.run.path.name,
            label="Run",
            min_width=240,
        )
    frames = [Frame(section) for section in SECTIONS]
    draw_planning()

    def reader_of(name: Any) -> Reader:
        return Reader(known_runs(services.run).get(name, services.run))

    opening = results(SECTIONS, frames, reader_of, [run])
    run.change(opening.fill, opening.inputs, opening.outputs, **QUICK)
    return opening


def known_runs(shown: RunDirectory) -> dict[str, RunDirectory]:
    """The run that the page shows, then those in `runs`, by name."""
    found = {shown.path.name: shown}
    for manifest in sorted(RUNS.glob(f"*/{MANIFEST}")):
        found.setdefault(manifest.parent.name, RunDirectory(manifest.parent))
    return found
