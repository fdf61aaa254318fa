"""Who may ask, and how often."""

import hmac
import time
from collections.abc import Callable, Sequence
from hashlib import sha256

from phoque.errors import PhoqueError
from phoque.serving.errors import RequestError, busy

SHORTEST_TOKEN = 24
MAKE_ONE = (
    'export PHOQUE_API_TOKENS=$(python -c "import secrets; print(secrets.token_urlsafe(32))")'
)
MINUTE = 60.0


class Gate:
    """Admits a bearer token so many times a minute; it keeps only hashes of tokens."""

    def __init__(
        self,
        tokens: Sequence[str],
        requests_per_minute: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_tokens(tokens)
        buckets = (_Bucket(requests_per_minute, clock) for _ in tokens)
        self._buckets = dict(zip(map(_hashed, tokens), buckets, strict=True))

    def admit(self, authorization: str | None) -> None:
        """Admit one request by its header `Bearer TOKEN`.

        RequestError: 401 without a known token, 429 if the token asked too often.
        """
        scheme, _, token = (authorization or "").partition(" ")
        given = _hashed(token.strip())
        # Every token is compared, in constant time, so that the duration reveals nothing.
        known = [key for key in self._buckets if hmac.compare_digest(key, given)]
        if scheme.lower() != "bearer" or not known:
            raise RequestError(
                "A known token is missing. Send the header `Authorization: Bearer TOKEN`.",
                status=401,
                kind="authentication_error",
                code="invalid_api_key",
            )
        self._buckets[known[0]].take()


def check_tokens(tokens: Sequence[str]) -> None:
    """Raise `PhoqueError` if there is no token, or one that can be guessed; it says how to make one."""
    if not tokens:
        raise PhoqueError(
            f"No token is set, and the chat API is not served without one. Make one: {MAKE_ONE}"
        )
    if any(len(token) < SHORTEST_TOKEN for token in tokens):
        raise PhoqueError(
            f"A token in PHOQUE_API_TOKENS is shorter than {SHORTEST_TOKEN} characters and could "
            f"be guessed. Make another: {MAKE_ONE}"
        )


class _Bucket:
    """A token bucket: a burst of a minute's requests, refilled at an even rate."""

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._size = per_minute
        self._clock = clock
        self._left = float(per_minute)
        self._seen = clock()

    def take(self) -> None:
        """Take one request; if none is left, raise with the time to wait."""
        now = self._clock()
        gained = (now - self._seen) * self._size / MINUTE
        self._left, self._seen = min(self._size, self._left + gained), now
        if self._left < 1:
            raise busy(
                f"This token may ask {self._size} times a minute. Wait, then ask again.",
                "rate_limit_exceeded",
                (1 - self._left) * MINUTE / self._size,
            )
        self._left -= 1


def _hashed(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()
