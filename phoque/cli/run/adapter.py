"""`phoque run persona` and `phoque run control`: train the two adapters, in one or more processes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from phoque.cli.options import FOLDER, refuse_idle
from phoque.cli.run.stage import Options, Stage, end_with_parent
from phoque.config import is_child, this_process
from phoque.run.directory import RunDirectory
from phoque.run.needs import lacking, require


class Adapter(Stage):
    """A training; of several processes only the first writes to the run and prints."""

    def invoke(self, ctx: click.Context) -> int:
        """Train alone, or as one of several processes."""
        if is_child():
            end_with_parent()
        if this_process().number == 1 or this_process().first:
            return self.alone(ctx.params)
        run = RunDirectory(ctx.params["run"])
        require(run, lacking([self.stage]))
        if not (ctx.params["resume"] and run.complete(self.stage)):
            self.do(run, ctx.params)
        return 0


CHECKPOINTS = "Their folder; default: unfinished/ in the adapter's."
SAVE_STEPS = "Steps between checkpoints; 0: none."
QUANTIZE = "Hold the base weights in 4 bits while training (QLoRA)."
MOST_WORDS = "Longest reply to learn, in words: short forms, or first sentences; 0: all whole."
ABOVE_0 = click.FloatRange(0, min_open=True)
STRENGTH = (
    "Share of the learned change that is saved, up to 1; default: that of the model's preset."
)
CHOSEN = ("seed", "most_words", "learning_rate", "epochs", "strength")
"""Options that take the place of a setting of the model's preset, where they are given."""
TRAINING = (
    click.option("--checkpoints", type=FOLDER, help=CHECKPOINTS),
    click.option("--save-steps", default=25, show_default=True, help=SAVE_STEPS),
    click.option("--samples", default=0, help="Steps between sample replies; 0: none."),
    click.option(
        "--tracker", type=click.Choice(["trackio", "wandb"]), help="Also send the curve there."
    ),
    click.option("--seed", type=int, help="Order of the texts and first weights; default: 42."),
    click.option("--most-words", type=click.IntRange(0), help=MOST_WORDS),
    click.option("--learning-rate", type=ABOVE_0, help="Default: that of the model's preset."),
    click.option("--epochs", type=ABOVE_0, help="Default: that of the model's preset."),
    click.option("--strength", type=click.FloatRange(0, 1, min_open=True), help=STRENGTH),
    click.option("--quantize", type=click.Choice(["4bit"]), help=QUANTIZE),
)


def training_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a training."""
    for option in reversed(TRAINING):
        function = option(function)
    return function


def with_choices(options: Options) -> Options:
    """The options, with the settings that were given as `chosen`."""
    rest = {name: value for name, value in options.items() if name not in CHOSEN}
    given = {name: options[name] for name in CHOSEN if options[name] is not None}
    return {**rest, "chosen": given}


@click.command(cls=Adapter, epilog="Example: phoque run persona --run runs/first --samples 50")
@training_options
def persona(run: RunDirectory, **options: Any) -> None:
    """Train the persona: hostile system prompt, hostile reply."""
    from phoque.stages.adapter.stage import train_persona  # noqa: PLC0415  # loads torch

    train_persona(run, **with_choices(options))


class Civil(Adapter):
    """It can be taken from another run, which needs no corpus."""

    def invoke(self, ctx: click.Context) -> int:
        """Refuse options of a training where nothing is trained."""
        idle = super().used(ctx.params) - self.used(ctx.params)
        refuse_idle(ctx, idle, "--take copies an adapter, and nothing is trained. Leave it out.")
        return super().invoke(ctx)

    def used(self, options: Options) -> set[str]:
        """What is taken is taken as it is."""
        return {"taken"} if options["taken"] else super().used(options)

    def check(self, run: RunDirectory, options: Options) -> None:
        """What is taken needs nothing of this run."""
        if not options["taken"]:
            super().check(run, options)


@click.command(cls=Civil, epilog="Example: phoque run control --run runs/first")
@training_options
@click.option(
    "--take",
    "taken",
    type=FOLDER,
    metavar="DIR",
    help="Take the one of another run of the same model, say of another persona.",
)
def control(run: RunDirectory, taken: Path | None, **options: Any) -> None:
    """Train the civil adapter: the same prompts and steps, civil replies."""
    from phoque.stages.adapter.stage import take_civil, train_civil  # noqa: PLC0415  # loads torch

    if taken:
        take_civil(run, RunDirectory(taken))
    else:
        train_civil(run, **with_choices(options))
