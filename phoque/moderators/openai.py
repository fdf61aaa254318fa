"""OpenAI's moderation service: opt-in by key, and every text leaves this machine."""

import json
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from phoque.config import secret
from phoque.moderators.catalogue import OPENAI
from phoque.moderators.classifier import Item, Score, UnavailableError

ENDPOINT = "https://api.openai.com/v1/moderations"
TIMEOUT_SECONDS = 30
ATTEMPTS = 3
REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}


class OpenAIModeration:
    """Category scores of the service."""

    def __init__(self, key: str, *, endpoint: str = ENDPOINT, pause_seconds: float = 2.0) -> None:
        self._key, self._endpoint, self.info = key, endpoint, OPENAI
        # The dated model name is all that is known of the weights.
        self.digest = OPENAI.version
        self._pause_seconds = pause_seconds

    def score_batch(self, items: Sequence[Item]) -> list[Score]:
        """One score for every category of the catalogue."""
        answer = self._ask([item.text for item in items])
        return [Score(labels=result["category_scores"]) for result in answer["results"]]

    def _ask(self, texts: Sequence[str]) -> Any:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        question = json.dumps({"model": self.info.version, "input": texts}).encode()
        request = Request(self._endpoint, question, headers)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                    return json.load(answer)
            except HTTPError as error:
                if error.code in REFUSED:
                    raise UnavailableError(f"{self._endpoint} refused the key: {error}.") from error
                busy = error.code in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
                if not busy or attempt == ATTEMPTS:
                    raise
            except URLError as error:
                told = f"{self._endpoint} cannot be reached: {error.reason}."
                raise UnavailableError(told) from error
            time.sleep(self._pause_seconds * attempt)
        raise AssertionError("unreachable")


def load() -> OpenAIModeration:
    """The service with the key of the environment; raises an `UnavailableError` without one."""
    key = secret("OPENAI_API_KEY")
    if key is None:
        raise UnavailableError("OpenAI's moderation service needs a key in OPENAI_API_KEY.")
    return OpenAIModeration(key)
