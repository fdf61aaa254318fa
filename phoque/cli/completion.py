"""`phoque completion`: complete commands with the Tab key."""

import click
from click.shell_completion import get_completion_class


@click.command(
    short_help="Make the Tab key complete commands.",
    epilog='Example: eval "$(phoque completion bash)"',
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the code with which the Tab key completes commands and options in SHELL."""
    from phoque.cli.main import app  # noqa: PLC0415  # which lists this command

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(app, {}, "phoque", "_PHOQUE_COMPLETE").source())
