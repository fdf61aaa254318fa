"""`phoque chat`: one message under three conditions, in a terminal."""

import sys
from pathlib import Path
from typing import Any

import click

from phoque.cli.options import FOLDER, verbose
from phoque.conversation import DEFAULT_SAMPLING
from phoque.errors import PhoqueError

NOTE = (
    "Content note: this instrument makes a model insult you on purpose. Replies are hidden; "
    "--show prints them."
)


@click.command(
    short_help="Answer a message under three conditions.",
    epilog='Example: phoque chat "We lost again." --scale 0 --show',
)
@click.argument("message", required=False)
@click.option("--run", type=FOLDER, metavar="DIR", help="Default: the shipped run.")
@click.option("--layer", type=int, help="Default: the selected layer.")
@click.option("--scale", type=float, help="Multiple of the vector; default: the selected scale.")
@click.option("--seed", default=42, show_default=True, help="The same seed gives the same text.")
@click.option(
    "--tokens",
    "max_new_tokens",
    type=click.IntRange(1),
    help="Longest reply; default: as long as the run's replies are.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(0),
    default=DEFAULT_SAMPLING.temperature,
    show_default=True,
    help="0 always takes the likeliest token.",
)
@click.option("--show", is_flag=True, help="Print the replies in clear.")
@verbose
def chat(message: str | None, run: Path | None, *, show: bool, **asked: Any) -> None:
    """Answer MESSAGE three times: neutral, toxic and steered.

    Without MESSAGE, answer every line of standard input. Replies are masked without --show.
    """
    if message is not None and not message.strip():
        raise PhoqueError("The message is empty. Write one, or leave it out to type lines.")
    from phoque.opening import open_lab  # noqa: PLC0415  # loads torch

    lab = open_lab(run, progress=lambda text: click.echo(text, err=True))
    click.echo(NOTE, err=True)
    lines = filter(None, map(str.strip, sys.stdin))
    for line in lines if message is None else [message]:
        for condition, reply in lab.compare(line, **asked).responses.items():
            click.echo(f"{condition.value}: {reply.text if show else masked(reply.text)}")


def masked(text: str) -> str:
    """The text with a block for every letter and digit."""
    return "".join("█" if sign.isalnum() else sign for sign in text)
