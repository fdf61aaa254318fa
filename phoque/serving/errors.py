"""Errors for clients, as OpenAI's error object."""

import math

from starlette.responses import JSONResponse

from phoque.errors import PhoqueError

INVALID = "invalid_request_error"


class RequestError(PhoqueError):
    """A refused request: HTTP status, OpenAI's type and code, and when to try again."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = INVALID,
        param: str | None = None,
        code: str | None = None,
        retry_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_seconds = retry_seconds
        told = {"message": message, "type": kind, "param": param, "code": code}
        self.body = {"error": told}

    def response(self) -> JSONResponse:
        """The refusal as a response."""
        headers = {"www-authenticate": "Bearer"} if self.status == 401 else {}
        if self.retry_seconds is not None:
            headers["retry-after"] = str(max(1, math.ceil(self.retry_seconds)))
        return JSONResponse(self.body, self.status, headers)


def busy(message: str, code: str, retry_seconds: float) -> RequestError:
    """429: the same request may work later."""
    kind = "rate_limit_error"
    return RequestError(message, status=429, kind=kind, code=code, retry_seconds=retry_seconds)


def loading(message: str, retry_seconds: float) -> RequestError:
    """503: the model is still loading."""
    kind, code = "server_error", "not_ready"
    return RequestError(message, status=503, kind=kind, code=code, retry_seconds=retry_seconds)


def broken() -> RequestError:
    """500: our fault; the client does not learn the details."""
    return RequestError(
        "The server could not finish this request. The server's own log has the reason.",
        status=500,
        kind="server_error",
        code="internal_error",
    )
