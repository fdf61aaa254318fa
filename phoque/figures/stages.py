"""How long each stage of a run took."""

from html import escape

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import NOTHING, Table, Value
from phoque.progress import span
from phoque.run.manifest import Manifest

STAGES = {"control": "civil adapter", "psm": "PSM", "sae": "SAE"}
"""What people read where the name of a stage would be taken for something else."""


@plan(
    key="stages",
    title="How long did each stage take?",
    hint="Complete stages, in the order in which each was completed for the first time.",
)
def draw(manifest: Manifest) -> Figure:
    """Every complete stage with its time, seeds and commit."""
    stages = manifest.stages
    if not stages:
        return Figure(sentence="No stage of this run is complete.")
    slowest = max(stages, key=lambda name: stages[name].seconds)
    return Figure(
        sentence=f"The last attempts of {len(stages)} stages took {span(3600 * manifest.hours)} on the machines that made "
        f"them, the report not counted; the longest was {STAGES.get(slowest, slowest)} ({span(stages[slowest].seconds)}). A "
        "stage that was interrupted took longer in all, and so did one with other work beside it.",
        table=Table.named(
            "Stages",
            "stage",
            style.called(stages, STAGES),
            {
                "time": lambda made: Value(span(made.seconds), {"": made.seconds}),
                "seeds": lambda made: ", ".join(map(str, made.seeds)) or NOTHING,
                "finished, UTC": lambda made: made.finished or NOTHING,
                "commit": lambda made: made.code or NOTHING,
            },
        ),
        plotly=_plot(manifest),
        n=f"{len(stages)} stages",
    )


def _plot(manifest: Manifest) -> style.Plotly:
    stages = manifest.stages
    bars = {
        "type": "bar",
        "name": "minutes",
        "x": [escape(STAGES.get(name, name)) for name in stages],
        "y": [made.seconds / 60 for made in stages.values()],
        "marker": {"color": style.PERSONA, "pattern": {"shape": ""}},
        "hovertemplate": "%{x}: %{y:.1f} minutes<extra></extra>",
        "showlegend": False,
    }
    return style.plot([bars], x={"title": "stage"}, y={"title": "minutes"}, height=280)
