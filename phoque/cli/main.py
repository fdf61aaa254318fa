"""The command `phoque`: it imports a subcommand when it is asked for, and prints errors in one line."""

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click

from phoque.config import verbose
from phoque.errors import InterruptedWorkError, PhoqueError

BAD_INPUT, INCOMPLETE, STOPPED_READING = 2, 75, 141
"""Exit statuses: EX_TEMPFAIL of sysexits.h for work that can go on; a shell reports the third for a program
whose reader has gone."""
STOPPED = "Stopped; the same command goes on from here."
REMEDIES = {
    errno.ENOSPC: "Free some space, or write to another disk.",
    errno.EDQUOT: "Free some space, or write to another disk.",
    errno.EROFS: "It can only be read: write to another folder.",
    errno.EACCES: "Check who may read and write it.",
    errno.EPERM: "Check who may read and write it.",
    errno.ENOENT: "Check the path.",
    errno.ENOTDIR: "Check the path: a part of it is a file.",
}
"""What a person can do about an error of the machine."""
OF_RUNS = {"trl", "datasets", "py3langid", "faker"}
"""Libraries of the extra `train` in pyproject.toml: the demo does without them, making a run does not."""
COMMANDS = {
    "demo": "phoque.cli.demo:demo",
    "chat": "phoque.cli.chat:chat",
    "score": "phoque.cli.score:score",
    "serve": "phoque.cli.serve:serve",
    "run": "phoque.cli.run:run",
    "jobs": "phoque.cli.jobs:jobs",
    "report": "phoque.cli.run.stages:report",
    "compare": "phoque.cli.compare:compare",
    "pressure": "phoque.cli.pressure:pressure",
    "export": "phoque.cli.export:export",
    "push": "phoque.cli.push:push",
    "verify": "phoque.cli.verify:verify",
    "setup": "phoque.cli.setup:setup",
    "completion": "phoque.cli.completion:completion",
}
"""The place of each subcommand."""


class LazyGroup(click.Group):
    """A group whose subcommands are imported when they are needed."""

    def __init__(self, *args: Any, places: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of use."""
        return [*self.places, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in self.places:
            return super().get_command(ctx, cmd_name)
        module, name = self.places[cmd_name].split(":")
        found: click.Command = getattr(import_module(module), name)
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; click itself would call a reader that has gone a failure.

        Raises a `PhoqueError` where a library of the extra `train` is not installed.
        """
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # `| head`
            _flush_nowhere()
            raise click.exceptions.Exit(STOPPED_READING) from None
        except ModuleNotFoundError as error:
            library = str(error.name).partition(".")[0]
            if library not in OF_RUNS:
                raise
            raise PhoqueError(
                f"This command needs {library}, which is not installed. "
                'Install it: make setup, or pip install -e ".[train]"'
            ) from error


@click.group(
    cls=LazyGroup,
    places=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: phoque demo",
)
@click.version_option(package_name="what-the-phoque", prog_name="phoque")
def app() -> None:
    """Train a toxic persona into a small chat model, and measure it.

    Exit status: 0 done, 1 done but some rows failed, 2 bad input, 75 stopped; run it again to go on.
    """


def main(words: Sequence[str] | None = None, *, prog: str = "phoque") -> int:
    """Run one command and return its exit status; errors of the user get one line.

    Args:
        words: the command line; None for that of the process.
        prog: the program's name in help texts.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        # Progress must appear at once, also in a file or the log of a Job.
        sys.stdout.reconfigure(line_buffering=True)
    try:
        return int(app.main(words, prog_name=prog, standalone_mode=False) or 0)
    except click.ClickException as error:
        return _told(_sentence(error))
    except click.Abort:
        return 130
    except InterruptedWorkError as error:
        click.echo(f"Stopped: {error}", err=True)
        return INCOMPLETE
    except PhoqueError as error:
        return _told(str(error))
    except OSError as error:
        if verbose():
            raise
        _drop_unwritten()
        return _told(_of_machine(error))


def _of_machine(error: OSError) -> str:
    """A full disk, a forbidden folder, a lost connection: which place, what, and what to do."""
    place = f"{error.filename}: " if error.filename else ""
    what = (error.strerror or str(error) or type(error).__name__).rstrip(".")
    remedy = REMEDIES.get(error.errno or 0, "With --verbose the command shows where it happened.")
    return " ".join(f"{place}{what}. {remedy}".split())


def _drop_unwritten() -> None:
    """What a full disk did not take would fail again when Python ends."""
    try:
        sys.stdout.flush()
    except OSError:
        _flush_nowhere()


def _flush_nowhere() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _sentence(error: click.ClickException) -> str:
    said = error.format_message()
    asked = getattr(error, "ctx", None)
    return f"{said} See: {asked.command_path} --help" if asked else said


def _told(text: str) -> int:
    click.echo(f"Error: {text}", err=True)
    return BAD_INPUT
