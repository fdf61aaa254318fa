"""Ask the Hub, with a time limit on every request and errors that a person can act on."""

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import HfApi
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalTokenNotFoundError,
)
from huggingface_hub.utils import disable_progress_bars, get_session

from phoque.errors import PhoqueError

SECONDS = 120.0
"""After so much silence a request fails; the client's default is to wait for ever."""
ADVICE = {
    401: "The token is missing or not valid: hf auth login, or set HF_TOKEN.",
    402: "The account has no credit left: see the billing page of the Hub.",
    403: "The token may not do this: it needs write access there, and for Jobs the right to run them.",
    404: "There is nothing with that name, or the token may not see it.",
    429: "The Hub asks to slow down: wait a few minutes.",
}
HUB_FAULT = "The Hub has a fault: try again later."
NO_ANSWER = "Check the network connection and try again."


def connect(
    endpoint: str | None = None, *, token: str | None = None, seconds: float = SECONDS
) -> HfApi:
    """A client of the Hub.

    Args:
        endpoint: another Hub than Hugging Face's.
        token: of the account; None for the account of this machine.
        seconds: the longest silence.
    """
    disable_progress_bars()
    get_session().timeout = seconds
    return HfApi(endpoint=endpoint, token=token)


def owner(api: HfApi) -> str:
    """Name of the account that the token belongs to."""
    with asking("The token was not accepted", hide=(token_of(api),)):
        return str(api.whoami()["name"])


def token_of(api: HfApi) -> str | None:
    """The token that a client was given; None if it uses this machine's."""
    return api.token if isinstance(api.token, str) else None


@contextmanager
def asking(failed: str, *, hide: tuple[str | None, ...] = ()) -> Iterator[None]:
    """Within the context, errors of the Hub and the network become a `PhoqueError`.

    Args:
        failed: what did not happen, as the beginning of a sentence.
        hide: words such as tokens that an answer may repeat and nobody may read.
    """
    try:
        yield
    except LocalTokenNotFoundError as error:
        raise PhoqueError(f"{failed}: there is no token. {ADVICE[401]}") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        advice = ADVICE.get(status) or (HUB_FAULT if status >= 500 else "Check the name.")
        said = _hidden(error.server_message or "no reason given", hide)
        # Not `from error`: the traceback would show the hidden words.
        raise PhoqueError(f"{failed}: the Hub answered {status} ({said}). {advice}") from None
    except HFValidationError as error:
        raise PhoqueError(f"{failed}: {error} Check the name: it is OWNER/NAME.") from error
    except (HTTPError, OSError, RuntimeError) as error:
        # RuntimeError is what the transfer of large files raises.
        said = _hidden(str(error) or type(error).__name__, hide)
        raise PhoqueError(f"{failed}: {said} {NO_ANSWER}") from None


def _hidden(text: str, words: tuple[str | None, ...]) -> str:
    for word in filter(None, words):
        text = text.replace(word, "[hidden]")
    # The text comes from outside and goes to a terminal.
    return "".join(letter for letter in text if letter.isprintable())
