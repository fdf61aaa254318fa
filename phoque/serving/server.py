"""`phoque serve`: the chat API without the page."""

from contextlib import suppress
from pathlib import Path

import uvicorn

from phoque.config import LARGEST_PORT, serving_settings
from phoque.errors import PhoqueError
from phoque.models.embedded import Progress
from phoque.opening import open_lab
from phoque.run.directory import RunDirectory
from phoque.serving.api import ChatAPI
from phoque.serving.gate import check_tokens
from phoque.serving.listening import check_free

LEAVE_SECONDS = 5
"""How long open replies may continue when the server is told to stop."""


def serve(run: Path | None, host: str, port: int, progress: Progress) -> None:
    """Open a run and serve it until the process is told to stop.

    PhoqueError where there is no token, the run cannot be opened, or the port is taken.
    """
    if not 0 < port <= LARGEST_PORT:
        raise PhoqueError(f"The port is {port}; give one from 1 to {LARGEST_PORT}.")
    settings = serving_settings()
    check_tokens(settings.tokens)  # as what follows, before the model is loaded
    if run:
        RunDirectory(run).manifest()
    check_free(host, port)
    lab = open_lab(run, progress=progress)
    lab.warm_up()
    api = ChatAPI(lambda: lab, settings)
    server = uvicorn.Server(configured(api, host, port))
    progress(f"Serving {lab.info.run} on http://{host}:{port}/v1")
    try:
        with suppress(KeyboardInterrupt):
            server.run()
    except SystemExit as error:
        raise PhoqueError(f"Cannot listen on {host}:{port}: is the port taken?") from error
    finally:
        api.close()


def configured(api: ChatAPI, host: str, port: int) -> uvicorn.Config:
    """The server's settings; requests are not logged."""
    return uvicorn.Config(
        api.application,
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        ws="none",
        timeout_graceful_shutdown=LEAVE_SECONDS,
    )
