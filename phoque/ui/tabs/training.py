"""The training tab: how a run was made, and the command for another. Drawn when it is opened."""

from typing import Any

from phoque.figures import shelf
from phoque.figures.curves import RUNS
from phoque.figures.figure import Figure, read_any
from phoque.figures.samples import conditions, latest, named, vector_of
from phoque.figures.table import interval
from phoque.run.adapter import Sample
from phoque.run.directory import MANIFEST, RunDirectory
from phoque.run.evaluation import JudgedSample
from phoque.run.folder import Reader
from phoque.ui.events import QUICK, Opening
from phoque.ui.parts import REVEAL, embedded
from phoque.ui.results import Frame, intro, results, sections
from phoque.ui.services import Services
from phoque.ui.tabs.planning import draw_planning

INTRO = (
    "How a run was made: what the adapters learned from, how they learned, and how long each stage took. The last drawer "
    "gives the command for a run of your own, here or as a Hugging Face Job. Only the owner of a Space can start a Job "
    "from this page."
)


def replies_html(reader: Reader, _figure: Figure) -> str:
    """A slider over the steps; replies are hidden until they are revealed."""
    rows = latest(reader.rows(Sample), read_any(JudgedSample, reader, must=False))
    steps = sorted({row.step for row in rows})
    data = {
        "steps": steps,
        "names": {name: named(name) for name in conditions(rows)},
        "rows": [_kept(row) for row in rows],
    }
    last = len(steps) - 1
    return (
        f'<div class="ph-samples" data-draw="samples">{embedded(data)}'
        '<div class="ph-samples-bar"><label for="ph-sample-step">Step</label>'
        f'<input id="ph-sample-step" type="range" min="0" max="{last}" step="1" value="{last}">'
        f"<output></output>{REVEAL}</div>"
        '<ol class="ph-samples-list" tabindex="0" aria-label="Replies at this step"></ol></div>'
        + saved_html(reader)
    )


def saved_html(reader: Reader) -> str:
    """How much the saved adapter has of what wrote the replies, where that is less than all."""
    made = reader.run.known().stages.get("persona")
    strength = made.settings.get("strength", 1) if made else 1
    if strength == 1:
        return ""
    return (
        '<p class="ph-hint">Each reply has all of what was learned up to its step; the saved adapter has '
        f"{strength:g} of it.</p>"
    )


def _kept(row: Sample) -> dict[str, Any]:
    """What the script shows of a row."""
    return {
        "step": row.step,
        "condition": row.condition,
        "threshold": row.threshold,
        "rate": interval(row.flag_rate),
        "by": row.flagged_by,
        "vector": vector_of(row),
        "replies": [[one.prompt, one.text, one.harm_score] for one in row.replies],
    }


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
