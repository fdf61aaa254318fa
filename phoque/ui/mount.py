"""The chat API in front of the page's routes, where a token is set."""

from typing import Any

from starlette.routing import BaseRoute

from phoque.config import AppSettings, serving_settings
from phoque.errors import PhoqueError
from phoque.ui.services import Services

RETRY_SECONDS = 10


def chat_routes(services: Services, settings: AppSettings) -> list[BaseRoute]:
    """Routes of the chat API, on the page's own model; none without a token.

    Raises:
        PhoqueError: a token can be guessed, or there is no GPU outside a visitor's click.
    """
    serving = serving_settings()
    if not serving.tokens:
        return []
    if settings.zero_gpu:
        raise PhoqueError(
            "PHOQUE_API_TOKENS is set, but ZeroGPU lends a GPU for a visitor's click only. "
            "Unset it, or give the Space hardware of its own."
        )
    from phoque.serving.api import ChatAPI  # noqa: PLC0415  # pages start without torch
    from phoque.serving.errors import loading  # noqa: PLC0415

    def opened() -> Any:
        status = services.status()
        if not status.ready:
            raise loading(status.text, RETRY_SECONDS)
        return services.lab

    return ChatAPI(opened, serving, lambda: services.worker).routes
