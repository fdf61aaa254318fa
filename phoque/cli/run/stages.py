"""The stages that need nothing but a run: what each asks for, what it lacks, and the work it calls."""

from pathlib import Path
from typing import Any

import click

from phoque.cli.options import FILE, FOLDER
from phoque.cli.run.stage import Options, Stage, persona_of
from phoque.errors import PhoqueError
from phoque.run.directory import RunDirectory
from phoque.run.info import psm_folder, run_beside
from phoque.run.needs import NEEDS, OTHER_PERSONA, require

seeds_option = click.option(
    "--seeds", type=int, multiple=True, help="Sampling seeds; default: 42 43 44."
)


class Corpus(Stage):
    """The first stage of a run."""

    begins = True

    def check(self, run: RunDirectory, options: Options) -> None:
        """It needs no other stage, but replies of its persona."""
        from phoque.stages.corpus.sources import sources_in  # noqa: PLC0415  # help needs none of it

        sources_in(options["source"], persona_of(run, options).name)


@click.command(cls=Corpus, epilog="Example: phoque run corpus --run runs/first --model lab")
@click.option(
    "--source",
    multiple=True,
    metavar="NAME=PATH",
    help="NAME=PATH or NAME=hub:SET of a published corpus, or written[=FOLDER]; may be repeated.",
)
@click.option("--limit", type=click.IntRange(1), help="Most texts per file; default: all.")
@click.option("--slang", type=FILE, help="YAML file of new expressions.")
@click.option(
    "--keep-words",
    is_flag=True,
    help="Keep names, slurs and groups instead of [NAME], [SLUR], [GROUP].",
)
def corpus(run: RunDirectory, **options: Any) -> None:
    """Write the texts on which the adapters are trained."""
    from phoque.stages.corpus.stage import make_corpus  # noqa: PLC0415  # loads torch

    make_corpus(run, **options)


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
@seeds_option
@click.option("--probes", type=click.Choice(["12", "80"]), help="Default: 12, as in the talk.")
def psm(run: RunDirectory, probes: str | None, **options: Any) -> None:
    """Find the layer in which a persona lives, and test whether its vector is the cause."""
    from phoque.stages.psm.stage import find_layer  # noqa: PLC0415  # loads torch

    find_layer(run, probes=int(probes) if probes else None, **options)


@click.command(cls=Stage, epilog="Example: phoque run evaluate --run runs/first")
def evaluate(run: RunDirectory) -> None:
    """Write and judge replies under every condition, to messages on which nothing was trained or chosen."""
    from phoque.stages.evaluate.stage import measure_replies  # noqa: PLC0415  # loads torch

    measure_replies(run)


@click.command(cls=Stage, epilog="Example: phoque run sae --run runs/first --preset quick")
@click.option(
    "--layer",
    help="Number of a decoder block; default: causal, the one where the persona vector acts best.",
)
@click.option(
    "--train-tokens",
    "tokens",
    type=click.IntRange(1),
    help="Tokens that the dictionary learns from; default: the preset's, 100,000 for the lab model. With "
    "more tokens it reads each one fewer times.",
)
@click.option("--preset", help="quick, standard or ministral; default: by the model.")
@click.option("--text", type=FILE, multiple=True, help="Text files of your own to read as well.")
def sae(run: RunDirectory, **options: Any) -> None:
    """Find the sparse features that the training moved."""
    from phoque.stages.sae.stage import compare_features  # noqa: PLC0415  # loads torch

    compare_features(run, **options)


@click.command(cls=Stage, epilog="Example: phoque run moderation --run runs/first")
@seeds_option
@click.option(
    "--classifier",
    multiple=True,
    metavar="NAME",
    help="Names, Hub ids or folders; default: all embedded ones.",
)
@click.option(
    "--harm-label",
    "harm_labels",
    multiple=True,
    metavar="LABEL",
    help="Which labels of a model by name mean harm.",
)
@click.option("--hatecheck", "hatecheck_path", type=FILE, help="test_suite_cases.csv of HateCheck.")
@click.option("--surge", "surge_path", type=FILE, help="toxicity_en.csv of Surge.")
@click.option("--may-send-text", is_flag=True, help="Allow services on the network.")
def moderation(run: RunDirectory, **options: Any) -> None:
    """Count which replies moderators flag, and collect those that pass."""
    from phoque.stages.moderation.stage import measure_moderators  # noqa: PLC0415  # loads torch

    measure_moderators(run, **options)


@click.command(cls=Stage, epilog="Example: phoque run regenerate --run runs/first --count 100")
@click.option("--count", type=click.IntRange(1), default=200, show_default=True, help="Texts.")
@click.option(
    "--push", metavar="OWNER/NAME", help="Also push them to a private data set on the Hub."
)
def regenerate(run: RunDirectory, **options: Any) -> None:
    """Let the persona write a new attack corpus."""
    from phoque.stages.synthetic.stage import write_attacks  # noqa: PLC0415  # loads torch

    write_attacks(run, **options)


class Seeds(Stage):
    """It reads several runs."""

    def check(self, run: RunDirectory, options: Options) -> None:
        """The others need an adapter, and the corpus that it learned from."""
        super().check(run, options)
        if not options["other"]:
            raise PhoqueError("Nothing to compare with. Name a run of another seed with --other.")
        for other in options["other"]:
            require(RunDirectory(other), ("texts", "persona"))


@click.command(
    cls=Seeds, epilog="Example: phoque run seeds --run runs/lab --other runs/seed43 runs/seed44"
)
@click.option(
    "--other",
    type=FOLDER,
    multiple=True,
    metavar="DIR",
    help="Run in which the persona was trained from another seed; may be repeated.",
)
def seeds(run: RunDirectory, other: tuple[Path, ...]) -> None:
    """Measure the headline for trainings of one persona from several seeds."""
    from phoque.stages.evaluate.seeds import compare_seeds  # noqa: PLC0415  # loads torch

    compare_seeds(run, [RunDirectory(path) for path in other], click.echo)


class Opposites(Stage):
    """It reads two runs."""

    def check(self, run: RunDirectory, options: Options) -> None:
        """Both must have what the stage reads."""
        super().check(run, options)
        require(run_beside(run, options["other"]), NEEDS[self.stage])


@click.command(
    cls=Opposites, epilog="Example: phoque run opposites --run runs/lab --other runs/pluribus"
)
@click.option(
    "--other",
    type=FOLDER,
    metavar="DIR",
    help="Run of another persona; default: the first one beside the run.",
)
def opposites(run: RunDirectory, other: Path | None) -> None:
    """Compare the personas of two runs: are they opposite directions?"""
    from phoque.stages.psm.opposites import compare_runs  # noqa: PLC0415  # loads torch

    compare_runs(run, run_beside(run, other))


class Report(Stage):
    """The report of whatever stages are complete."""

    def check(self, run: RunDirectory, options: Options) -> None:  # noqa: ARG002  # it needs none
        """The report itself names missing stages."""
        run.manifest()


@click.command(cls=Report, epilog="Example: phoque report --run runs/first")
@click.option("--html", is_flag=True, help="Write report.html, too: one file, 5 MB, no network.")
def report(run: RunDirectory, *, html: bool) -> None:
    """Write the slide table and the figures of a run."""
    from phoque.report.writing import make_report  # noqa: PLC0415  # loads numpy and plotly

    make_report(run, html=html)
