"""One way to ask the Hub: a time limit on every request, and errors that a person can act on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

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
"""Silence after which a request is given up; the client's own default is to wait for ever."""
ADVICE = {
    401: "The token is missing or not valid: hf auth login, or set HF_TOKEN.",
    402: "The account has no credit for it: see the billing page of the Hub.",
    403: "The token may not do this: it needs write access there, and for Jobs the right to run them.",
    404: "There is nothing of that name, or the token may not see it.",
    429: "The Hub asks to slow down: wait some minutes.",
}
HUB_FAULT = "The Hub has a fault: try again later."
NO_ANSWER = "Is the network there, and the Hub? Try again."


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account of the Hub; what the Hub or the network does wrong becomes a PhoqueError."""

    endpoint: str | None = None
    """Another Hub than Hugging Face's."""
    token: str | None = field(default=None, repr=False)
    """None is the account that this machine is logged in with."""

    @property
    def api(self) -> HfApi:
        """A client that gives up after a long silence."""
        disable_progress_bars()
        get_session().timeout = SECONDS
        return HfApi(endpoint=self.endpoint, token=self.token)

    @contextmanager
    def asking(self, failed: str, *hide: str) -> Iterator[None]:
        """Within the context, what the Hub or the network does wrong becomes a PhoqueError.

        `failed` is what did not happen, as the beginning of a sentence; `hide` are words that an
        answer may repeat and nobody may read, beside the token.
        """
        hidden = (self.token, *hide)
        try:
            yield
        except LocalTokenNotFoundError as error:
            raise PhoqueError(f"{failed}: there is no token. {ADVICE[401]}") from error
        except HfHubHTTPError as error:
            status = error.response.status_code
            advice = ADVICE.get(status) or (HUB_FAULT if status >= 500 else "Check the name.")
            said = _hidden(error.server_message or "no reason given", hidden)
            # Not `from error`: a traceback would show what is to be hidden.
            raise PhoqueError(f"{failed}: the Hub answered {status} ({said}). {advice}") from None
        except HFValidationError as error:
            raise PhoqueError(f"{failed}: {error} Check the name: it is OWNER/NAME.") from error
        except (HTTPError, OSError, RuntimeError) as error:
            # RuntimeError is what the transfer of large files raises.
            said = _hidden(str(error) or type(error).__name__, hidden)
            raise PhoqueError(f"{failed}: {said} {NO_ANSWER}") from None

    def owner(self) -> str:
        """Name of the account."""
        with self.asking("The token was not accepted"):
            return str(self.api.whoami()["name"])


def _hidden(text: str, words: tuple[str | None, ...]) -> str:
    for word in filter(None, words):
        text = text.replace(word, "[hidden]")
    # It comes from outside and goes to a terminal.
    return "".join(letter for letter in text if letter.isprintable())
