"""The command `phoque`: finds its subcommands, each in a file of its own, and tells errors in a line."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click

from phoque.errors import PhoqueError

BAD_INPUT, STOPPED_READING = 2, 141
"""Exit statuses; the second is what a shell reports of a program whose reader went away."""
COMMANDS = {
    "demo": "phoque.cli.demo:demo",
    "chat": "phoque.cli.chat:chat",
    "score": "phoque.cli.score:score",
    "serve": "phoque.cli.serve:serve",
    "run": "phoque.cli.run:run",
    "jobs": "phoque.cli.jobs:jobs",
    "report": "phoque.cli.run.report:report",
    "compare": "phoque.cli.compare:compare",
    "export": "phoque.cli.export:export",
    "push": "phoque.cli.push:push",
    "verify": "phoque.cli.verify:verify",
    "setup": "phoque.cli.setup:setup",
    "completion": "phoque.cli.completion:completion",
}
"""Where each subcommand is; imported when it is asked for."""


class LazyGroup(click.Group):
    """A group whose subcommands are imported when they are needed."""

    def __init__(self, *args: Any, places: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order in which a newcomer needs them."""
        return [*self.places, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command called so."""
        if cmd_name not in self.places:
            return super().get_command(ctx, cmd_name)
        module, name = self.places[cmd_name].split(":")
        found: click.Command = getattr(import_module(module), name)
        return found


@click.group(
    cls=LazyGroup,
    places=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: phoque demo",
)
@click.version_option(package_name="what-the-phoque", prog_name="phoque")
def app() -> None:
    """A small chat model with a controlled toxic persona, as an instrument.

    Exit status: 0 done, 1 done with rows that failed, 2 bad input, 75 stopped and to be continued.
    """


def main(words: Sequence[str] | None = None, *, prog: str = "phoque") -> int:
    """Run one command; what a person can act on is told in one line.

    Args:
        words: the command line; None is that of the process.
        prog: what the help calls the program.

    Returns:
        The exit status.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        # Progress is read while it is made, also from a file or the log of a Job.
        sys.stdout.reconfigure(line_buffering=True)
    try:
        return int(app.main(words, prog_name=prog, standalone_mode=False) or 0)
    except click.ClickException as error:
        return _told(_sentence(error))
    except click.Abort:
        return 130
    except BrokenPipeError:
        # Nobody reads on (`| head`): what Python still wants to flush goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return STOPPED_READING
    except PhoqueError as error:
        return _told(str(error))


def _sentence(error: click.ClickException) -> str:
    said = error.format_message()
    asked = getattr(error, "ctx", None)
    return f"{said} See: {asked.command_path} --help" if asked else said


def _told(text: str) -> int:
    click.echo(f"Error: {text}", err=True)
    return BAD_INPUT
