"""`phoque run psm`."""

import click

from phoque.cli.run.stage import Options, Stage
from phoque.run.directory import RunDirectory
from phoque.run.info import psm_folder
from phoque.run.needs import OTHER_PERSONA, require


class Psm(Stage):
    """Any persona can be measured in any run; one that is not the run's own has its own folder."""

    def entry(self, run: RunDirectory, options: Options) -> str:
        """The folder's name; raises if there is no such persona."""
        if options["persona"] is None:
            return self.stage
        return psm_folder(run, options["persona"]).name

    def check(self, run: RunDirectory, options: Options) -> None:
        """Another persona is measured in the base model, which needs no adapters."""
        if self.entry(run, options) == self.stage:
            super().check(run, options)
        else:
            require(run, OTHER_PERSONA)


@click.command(cls=Psm, epilog="Example: phoque run psm --run runs/first --persona melancholy")
@click.option("--persona", help="Persona or YAML file to measure; default: the run's.")
@click.option("--seeds", type=int, multiple=True, help="Sampling seeds; default: 42 43 44.")
@click.option("--probes", type=click.Choice(["12", "80"]), help="Default: 12, as in the talk.")
@click.option(
    "--from-step",
    "begin",
    type=click.Choice(
        ["dose response", "conditions", "confounds", "antidotes", "scrubber", "bias loop"]
    ),
    help="Keep the results of the steps before this one.",
)
def psm(
    run: RunDirectory,
    persona: str | None,
    seeds: tuple[int, ...],
    probes: str | None,
    begin: str | None,
) -> None:
    """Find the layer in which a persona lives, and test whether its vector is the cause."""
    from phoque.stages.psm.stage import find_layer  # noqa: PLC0415  # loads torch

    find_layer(
        run, persona=persona, seeds=seeds, probes=int(probes) if probes else None, begin=begin
    )
