"""A moderation service on the network, as a double on this machine speaks it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from phoque.errors import PhoqueError
from phoque.moderators.catalogue import OPENAI_LABELS
from phoque.moderators.classifier import UnavailableError
from phoque.moderators.openai import OpenAIModeration
from phoque.moderators.registry import load_classifier
from phoque.moderators.scoring import items_of, score


class Service(BaseHTTPRequestHandler):
    answers: ClassVar[list] = []
    asked: ClassVar[list] = []

    def do_POST(self):
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.headers["Authorization"], question))
        status, change = self.answers.pop(0) if self.answers else (200, {})
        scores = [dict.fromkeys(OPENAI_LABELS, len(t) / 100) | change for t in question["input"]]
        body = json.dumps({"results": [{"category_scores": one} for one in scores]}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def service():
    Service.answers, Service.asked = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_port}/v1/moderations"
    yield OpenAIModeration("key", endpoint=endpoint, pause_seconds=0)
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_service_is_asked_in_batches_with_the_key(service):
    found = score(service, items_of(["abc", "a", "ab"]), may_send_text=True)
    assert [one.harm_score(service.info) for one in found] == [0.03, 0.01, 0.02]
    ((key, question),) = Service.asked
    assert (key, question["model"]) == ("Bearer key", service.info.version)
    assert question["input"] == ["a", "ab", "abc"]


def test_no_text_is_sent_without_leave(service):
    with pytest.raises(PhoqueError, match="sends every text"):
        score(service, items_of(["a"]))
    assert Service.asked == []


def test_a_busy_service_is_asked_again(service):
    Service.answers = [(429, {}), (503, {})]
    assert score(service, items_of(["a"]), may_send_text=True)[0].error is None
    Service.answers = [(429, {})] * 3
    assert "429" in str(score(service, items_of(["b"]), may_send_text=True)[0].error)


def test_a_broken_answer_is_an_error_of_the_item(service):
    Service.answers = [(200, {"hate": None})] * 2
    assert score(service, items_of(["a"]), may_send_text=True)[0].error is not None
    Service.answers = [(500, {})]
    assert "500" in str(score(service, items_of(["b"]), may_send_text=True)[0].error)


def test_a_refused_key_and_an_absent_service_stop_everything(service, monkeypatch):
    Service.answers = [(401, {})]
    with pytest.raises(UnavailableError, match="refused the key"):
        score(service, items_of(["a", "b"]), may_send_text=True)
    assert len(Service.asked) == 1
    nowhere = OpenAIModeration("key", endpoint="http://127.0.0.1:9/v1/moderations")
    with pytest.raises(UnavailableError, match="cannot be reached"):
        score(nowhere, items_of(["a"]), may_send_text=True)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UnavailableError, match="OPENAI_API_KEY"):
        load_classifier("openai.moderation")
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    assert load_classifier("openai.moderation").info.sends_text_out
