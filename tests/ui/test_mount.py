"""The chat API beside the page: there with a token, off without one."""

from contextlib import contextmanager
from types import SimpleNamespace

import httpx
import openai
import pytest

from phoque.config import app_settings
from phoque.errors import PhoqueError
from phoque.serving.worker import Worker
from phoque.ui.demo import build_demo, chat_routes, launch_options
from phoque.ui.services import Status
from tests.serving import TOKEN, client_of
from tests.ui.fakes import GRADIO_WARNINGS, FakeServices

pytestmark = GRADIO_WARNINGS
HELLO = [{"role": "user", "content": "We lost again."}]


class Opening:
    """A lab that is ready when a test says so."""

    def __init__(self, lab) -> None:
        self.lab = lab
        self.ready = True
        self.worker = Worker(most_rows=8, most_waiting=8)

    def status(self) -> Status:
        return Status("Warming up…", ready=self.ready)


@contextmanager
def space(opening):
    demo = build_demo(FakeServices())
    options = launch_options() | {"app_kwargs": {"routes": chat_routes(opening, app_settings())}}
    _, address, _ = demo.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **options
    )
    try:
        yield address.rstrip("/")
    finally:
        demo.close()


@pytest.mark.slow
def test_with_a_token_the_page_and_the_api_are_side_by_side(lab, monkeypatch):
    monkeypatch.setenv("PHOQUE_API_TOKENS", TOKEN)
    opening = Opening(lab)
    with space(opening) as address, client_of(address) as client:
        expected = lab.compare("We lost again.", max_new_tokens=24).toxic.text
        settings = {"model": "phoque-toxic", "messages": HELLO, "max_tokens": 24}
        reply = client.chat.completions.create(**settings)
        assert reply.choices[0].message.content == expected
        streamed = client.chat.completions.create(stream=True, **settings)
        pieces = [chunk.choices[0].delta.content or "" for chunk in streamed]
        assert "".join(pieces) == expected
        assert len(pieces) > 3
        assert "gradio" in httpx.get(address).text
        assert httpx.get(f"{address}/v1/models").status_code == 401
        assert httpx.get(f"{address}/health").json()["status"] == "ok"
        opening.ready = False
        with pytest.raises(openai.InternalServerError, match="Warming up"):
            client.chat.completions.create(**settings)


@pytest.mark.slow
def test_without_a_token_there_is_no_api(lab, monkeypatch):
    monkeypatch.delenv("PHOQUE_API_TOKENS", raising=False)
    with space(Opening(lab)) as address:
        headers = {"authorization": f"Bearer {TOKEN}"}
        assert httpx.get(f"{address}/v1/models", headers=headers).status_code == 404
        assert httpx.get(address).status_code == 200


def test_a_weak_token_and_a_lent_gpu_are_refused(monkeypatch):
    monkeypatch.setenv("PHOQUE_API_TOKENS", "short")
    with pytest.raises(PhoqueError, match="could be guessed"):
        chat_routes(SimpleNamespace(), app_settings())
    monkeypatch.setenv("PHOQUE_API_TOKENS", TOKEN)
    monkeypatch.setenv("SPACES_ZERO_GPU", "1")
    with pytest.raises(PhoqueError, match="hardware of its own"):
        chat_routes(SimpleNamespace(), app_settings())
