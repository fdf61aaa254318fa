"""`phoque run`: the stages of a run, each a command of its own, and `all` of them in order."""

import click

from phoque.cli.main import LazyGroup

STAGES = {
    "corpus": "phoque.cli.run.corpus:corpus",
    "persona": "phoque.cli.run.adapter:persona",
    "control": "phoque.cli.run.adapter:control",
    "psm": "phoque.cli.run.psm:psm",
    "evaluate": "phoque.cli.run.evaluate:evaluate",
    "sae": "phoque.cli.run.sae:sae",
    "moderation": "phoque.cli.run.moderation:moderation",
    "regenerate": "phoque.cli.run.regenerate:regenerate",
    "seeds": "phoque.cli.run.seeds:seeds",
    "opposites": "phoque.cli.run.opposites:opposites",
    "report": "phoque.cli.run.report:report",
}


@click.group(
    cls=LazyGroup,
    places={
        **STAGES,
        "all": "phoque.cli.run.all:everything",
        "refresh": "phoque.cli.run.refresh:refresh",
    },
    epilog="Example: phoque run all --run runs/first",
)
def run() -> None:
    """Make a run, from the corpus to the report: one stage, or all in order."""
