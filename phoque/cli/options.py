"""Shared options of commands: --verbose, options of several values, and those that would do nothing."""

from collections.abc import Collection, Sequence
from pathlib import Path

import click
from click.core import ParameterSource

from phoque.config import set_verbose
from phoque.errors import PhoqueError

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


def _set_verbose(_context: click.Context, _option: click.Parameter, value: bool) -> None:  # noqa: FBT001  # click calls it so
    set_verbose(value)


verbose = click.option(
    "--verbose",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_set_verbose,
    help="Show the bars and warnings of libraries.",
)
"""Gives a command, or the function that becomes one, the option --verbose."""


def given(context: click.Context, option: click.Parameter) -> bool:
    """Whether an option was on the command line."""
    return context.get_parameter_source(str(option.name)) is ParameterSource.COMMANDLINE


def refuse_idle(context: click.Context, names: Collection[str], why: str) -> None:
    """Refuse options by these names that were given: `why` they would do nothing, and what to do."""
    idle = [
        option.opts[0]
        for option in context.command.params
        if option.name in names and given(context, option)
    ]
    if idle:
        raise PhoqueError(f"{', '.join(idle)} would do nothing: {why}")


def spread(words: Sequence[str], many: Collection[str]) -> list[str]:
    """`--seeds 42 43` as `--seeds 42 --seeds 43`.

    Args:
        words: a command line without positional arguments.
        many: the options that take several values.
    """
    told: list[str] = []
    option, taken = "", 0
    for word in words:
        if word.startswith("-") and not word[1:2].isdigit():
            option, taken = word if word in many else "", 0
        elif option:
            told += [option] if taken else []
            taken += 1
        told.append(word)
    return told


class Many(click.Command):
    """A command whose repeatable options also take several values at once.

    Positional arguments must come first; otherwise they look like values.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line."""
        many = _repeatable(self)
        told_apart = args[:1] and not args[0].startswith("--")
        if told_apart or not any(isinstance(one, click.Argument) for one in self.params):
            args = spread(args, many)
        return super().parse_args(ctx, args)


class ManyGroup(click.Group):
    """A group whose own repeatable options do the same; the name of a subcommand comes first."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line."""
        if not (args and args[0] in self.commands):
            args = spread(args, _repeatable(self))
        return super().parse_args(ctx, args)


def _repeatable(command: click.Command) -> set[str]:
    return {name for one in command.params if one.multiple for name in one.opts}
