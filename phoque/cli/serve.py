"""`phoque serve`: the conditions of a run as an OpenAI-compatible chat API."""

from pathlib import Path

import click

from phoque.cli.options import FOLDER, verbose


@click.command(
    short_help="Serve a run as an OpenAI-compatible chat API.",
    epilog="Example: PHOQUE_API_TOKENS=… phoque serve --port 8000",
)
@click.option("--run", type=FOLDER, metavar="DIR", help="Default: the shipped run.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="127.0.0.1 is this machine only."
)
@click.option("--port", type=int, default=8000, show_default=True)
@verbose
def serve(run: Path | None, host: str, port: int) -> None:
    """Serve a run as a chat API, in the style of OpenAI.

    Choose a token yourself and put it into PHOQUE_API_TOKENS; clients send it with each request.
    """
    from phoque.serving import server  # noqa: PLC0415  # loads torch

    server.serve(run, host, port, lambda text: click.echo(text, err=True))
