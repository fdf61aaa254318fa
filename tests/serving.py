"""A real chat API on a real port, for tests, and what they ask it."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import uvicorn
from openai import OpenAI

from phoque.config import ServingSettings
from phoque.serving.api import ChatAPI
from phoque.serving.server import configured

TOKEN = "a-token-that-only-tests-know-0123456789"
OTHER = "another-token-that-only-tests-know-0123"
HELLO = [{"role": "user", "content": "We lost again."}]


def settings(**changes) -> ServingSettings:
    known = {"tokens": (TOKEN, OTHER), "requests_per_minute": 10_000}
    return ServingSettings(**known | changes)


@contextmanager
def served(lab, **changes) -> Iterator[str]:
    """The address of a running server."""
    api = ChatAPI(lab if callable(lab) else lambda: lab, settings(**changes))
    server = uvicorn.Server(configured(api, "127.0.0.1", 0))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port_of(server)}"
    finally:
        server.should_exit = True
        thread.join()
        api.close()


def port_of(server: uvicorn.Server) -> int:
    wait_until(lambda: server.started)
    return server.servers[0].sockets[0].getsockname()[1]


def client_of(address: str, token: str = TOKEN) -> OpenAI:
    return OpenAI(base_url=f"{address}/v1", api_key=token, max_retries=0, timeout=60)


def wait_until(true, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never became true"
        time.sleep(0.02)


def health(address: str) -> dict:
    with suppress(httpx.TransportError):
        # Without a list of authorities, which takes longer to read than the answer.
        return httpx.get(f"{address}/health", verify=False).json()
    return {}


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def say(client, model="phoque-toxic", messages=HELLO, **settings):
    settings = {"max_tokens": 16} | settings
    return client.chat.completions.create(model=model, messages=messages, **settings)


def texts_of(reply) -> list[str]:
    return [choice.message.content for choice in reply.choices]


def post(address, body, **headers) -> httpx.Response:
    headers = {"authorization": f"Bearer {TOKEN}"} | headers
    content = body if isinstance(body, bytes) else json.dumps(body)
    url = f"{address}/v1/chat/completions"
    return httpx.post(url, content=content, headers=headers, verify=False)


def asked(address, **changes) -> httpx.Response:
    """The answer to a short request with these changes."""
    body = {"model": "phoque-toxic", "messages": HELLO, "max_tokens": 6}
    return post(address, body | changes)


def said(address, **changes) -> str:
    answer = asked(address, **changes)
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"]


def refused(address, status=400, **changes) -> dict:
    """The error, in the form that every client knows."""
    answer = asked(address, **changes)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    return error
