"""`phoque run`: the stages of a run, each a command of its own, and `all` of them in order."""

import click

from phoque.cli.main import LazyGroup

TRAININGS = ("persona", "control")
STAGES = (
    "corpus", *TRAININGS, "psm", "evaluate", "sae", "moderation", "regenerate", "seeds", "opposites",
    "report",
)  # fmt: skip


@click.group(
    cls=LazyGroup,
    places={
        **{name: f"phoque.cli.run.stages:{name}" for name in STAGES},
        **{name: f"phoque.cli.run.adapter:{name}" for name in TRAININGS},
        "all": "phoque.cli.run.all:everything",
        "refresh": "phoque.cli.run.refresh:refresh",
    },
    epilog="Example: phoque run all --run runs/first",
)
def run() -> None:
    """Make a run, from the corpus to the report: one stage, or all in order."""
