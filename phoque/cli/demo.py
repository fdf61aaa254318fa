"""`phoque demo`: the pages, on this machine."""

from dataclasses import replace
from pathlib import Path

import click

from phoque.cli.options import FOLDER, verbose


@click.command(
    short_help="Open the demo in your browser.",
    epilog="Example: phoque demo --run runs/first --port 7861",
)
@click.option("--run", type=FOLDER, metavar="DIR", help="Run to show; default: the shipped run.")
@click.option("--model", help="Preset, Hub id or folder; default: what the run was made with.")
@click.option("--host", default=None, help="Default: 127.0.0.1, this machine only.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: 7860.")
@verbose
def demo(run: Path | None, model: str | None, host: str | None, port: int | None) -> None:
    """Open the demo in your browser; without options it shows the shipped run."""
    from phoque.config import app_settings  # noqa: PLC0415
    from phoque.serving.listening import check_free  # noqa: PLC0415

    known = app_settings()
    settings = replace(
        known,
        run=str(run) if run else known.run,
        model=model or known.model,
        host=host or known.host,
        port=port or known.port,
    )
    check_free(settings.host, settings.port)
    from phoque.ui.demo import opened  # noqa: PLC0415  # loads gradio, and gradio reads the settings

    page, options = opened(settings)
    page.launch(**options)
