"""The training tab: how a run was made, and the command for another. Drawn when it is opened."""

from typing import Any

from phoque.figures import shelf
from phoque.figures.curves import RUNS
from phoque.run.directory import MANIFEST, RunDirectory
from phoque.run.folder import Reader
from phoque.ui.events import QUICK, Opening
from phoque.ui.results import Frame, intro, results, sections
from phoque.ui.services import Services
from phoque.ui.tabs.planning import draw_planning
from phoque.ui.training.samples import replies_html

INTRO = (
    "How a run was made: what it learned from, how it learned, how long each stage took; and the "
    "command for a run of your own, here or as a Hugging Face Job. Only the owner of a Space can "
    "start one from here."
)
SECTIONS = sections(
    shelf.HOW_IT_LEARNED,
    hero=["samples"],
    below={"samples": replies_html},
)


def build_training(services: Services) -> Opening:
    """Draw the frame; returns what fills it when the tab is opened."""
    names = list(known_runs(services.run))
    run = intro(INTRO, names, value=services.run.path.name, label="Run")
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
