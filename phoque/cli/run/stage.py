"""A stage as a command: it says what it lacks before anything is written, then does its job."""

import os
import signal
import sys
import threading
from collections.abc import Mapping
from typing import Any

import click

from phoque.cli.options import FOLDER, Many, verbose
from phoque.config import is_child, this_process
from phoque.errors import PhoqueError
from phoque.personas import Persona, load_persona
from phoque.run.directory import RunDirectory
from phoque.run.manifest import Manifest
from phoque.run.needs import lacking, require
from phoque.run.persona import keep_persona, own_persona

RUN = click.Option(["--run"], type=FOLDER, required=True, metavar="DIR", help="Folder of the run.")
RESUME = click.Option(["--resume"], is_flag=True, help="Do nothing where the stage is complete.")
MODEL = click.Option(["--model"], help="Preset, Hub id or folder; default: the run's, else lab.")
PERSONA = click.Option(["--persona"], help="Persona or YAML file; default: the run's, else toxic.")
FACTS = ("model", "persona")
"""What a whole run has in common."""
Options = Mapping[str, Any]


class Stage(Many):
    """A stage; its callback gets the run and the options that are the stage's own."""

    begins = False
    """It may be the first of a run, and says what the run is about."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.own = tuple(self.params)
        about = [MODEL, PERSONA] if self.begins else []
        self.params = [RUN, *about, *self.own, RESUME]
        verbose(self)

    @property
    def stage(self) -> str:
        """What it is called in a run."""
        return str(self.name)

    def entry(self, _run: RunDirectory, _options: Options) -> str:
        """What it is called in the manifest."""
        return self.stage

    def used(self, options: Options) -> set[str]:  # noqa: ARG002  # of those that override it
        """Names of its own options, without those that would do nothing beside these."""
        return {str(one.name) for one in self.own}

    def check(self, run: RunDirectory, options: Options) -> None:  # noqa: ARG002  # of those that override it
        """Refuse to begin without what other stages make; writes nothing."""
        require(run, lacking([self.stage]))

    def do(self, run: RunDirectory, options: Options) -> None:
        """Do the job, which enters itself in the manifest."""
        assert self.callback is not None
        self.callback(run, **{str(one.name): options[str(one.name)] for one in self.own})

    def invoke(self, ctx: click.Context) -> int:
        """Run the stage alone."""
        require_one_process(self.stage)
        if is_child():
            end_with_parent()
        return self.alone(ctx.params)

    def alone(self, options: Options) -> int:
        """Do the job, unless it is done; a run in which nothing was made leaves nothing behind."""
        run = RunDirectory(options["run"])
        known = run.exists() and bool(run.manifest())  # a damaged manifest is told first
        if self.begins:
            facts_of(run, options)
        name = self.entry(run, options)
        if options["resume"] and run.complete(name):
            click.echo(f"{name}: already complete")
            return 0
        self.check(run, options)
        if self.begins:
            begin(run, options)
        try:
            click.echo(f"{name}: started")
            self.do(run, options)
        except PhoqueError:
            if not known:
                run.forget()
            raise
        click.echo(f"{name}: {run.manifest().stages[name].seconds} s")
        return 0


def end_with_parent() -> None:
    """Have this process told to end when standard input is closed: whoever started it is gone."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def require_one_process(name: str) -> None:
    """Refuse what several processes would do several times."""
    if this_process().number > 1:
        raise PhoqueError(f"accelerate launch is for persona and control; start {name} by itself.")


def facts_of(run: RunDirectory, options: Options) -> dict[str, str]:
    """Model and persona of the run: as asked, else as they were, else the lab's.

    Raises a `PhoqueError` if other stages were made with others, or if there is no such persona.
    """
    known = run.manifest() if run.exists() else Manifest(stages={})
    made = {key: str(getattr(known, key)) for key in FACTS}
    asked = {key: options.get(key) or made[key] for key in FACTS}
    persona = persona_of(run, options)
    if known.stages and (asked["model"] != made["model"] or persona != own_persona(run)):
        if run.persona_file.is_file():
            made["persona"] = str(run.persona_file)
        raise PhoqueError(
            f"The run {run.path} was made with {made}, not with {asked}. Use another folder."
        )
    return asked


def persona_of(run: RunDirectory, options: Options) -> Persona:
    """The persona that was asked for, else the run's; PhoqueError where there is none."""
    return load_persona(options["persona"]) if options.get("persona") else own_persona(run)


def begin(run: RunDirectory, options: Options) -> None:
    """Enter what the run is about, and keep a copy of a persona's file in it; errors as `facts_of`."""
    facts = facts_of(run, options)
    if options.get("persona"):
        facts["persona"] = keep_persona(run, options["persona"])
    run.describe(**facts)
