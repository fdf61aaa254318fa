"""Moderators over HTTP: published protocols, limits, faults, kills; unknown never passes."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from phoque.errors import PhoqueError
from phoque.moderators.classifier import Item, UnavailableError
from phoque.moderators.disk import DiskCache
from phoque.moderators.endpoint.description import read_description
from phoque.moderators.endpoint.service import OutageError
from phoque.moderators.registry import load_classifier
from phoque.moderators.scoring import score
from tests.endpoint_double import BAD, CATEGORIES, asked, kept, plain, say, served, service

ROOT = Path(__file__).parent.parent
HOSTILE, CIVIL = f"you {BAD}", "good morning"
SHIPPED = ("openai", "perspective", "azure", "llama-guard", "qwen3guard")
KEYS = (
    "OPENAI_API_KEY",
    "PERSPECTIVE_API_KEY",
    "AZURE_CONTENT_SAFETY_KEY",
)


@pytest.fixture
def double():
    with served() as found:
        yield found


@pytest.fixture
def cache(tmp_path):
    return DiskCache(tmp_path / "scores.sqlite")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_descriptions_speak_the_published_protocols(name, double, cache, monkeypatch):
    for key in KEYS:
        monkeypatch.setenv(key, "secret-key")
    monkeypatch.setenv("AZURE_CONTENT_SAFETY_ENDPOINT", double.url)
    found = read_description(name)
    local = re.sub(r"^https?://[^/$]+", double.url, found.url)
    found = found.model_copy(update={"url": local, "requests_per_second": 1000.0})
    moderator = service(found, cache)

    scores = asked(moderator, [HOSTILE, CIVIL, "another " + HOSTILE])

    levels = [one.harm_score(moderator.info) for one in scores]
    assert levels[0] == levels[2] > 0.5 > levels[1]
    assert sorted(double.texts) == sorted([HOSTILE, CIVIL, "another " + HOSTILE])
    if name == "openai":
        assert scores[1].labels == dict.fromkeys(("flagged", *CATEGORIES), 0.01)


def test_a_service_that_is_known_by_name_needs_its_key_and_leave(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(PhoqueError, match="OPENAI_API_KEY"):
        load_classifier("openai.moderation")
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    with pytest.raises(PhoqueError, match=r"openai\.moderation sends every text"):
        score(load_classifier("openai.moderation"), [Item("a")])


def test_without_a_cache_nothing_is_kept(double):
    moderator = service(plain(double.url), None)
    asked(moderator, [CIVIL])
    asked(moderator, [CIVIL])
    assert len(double.bodies) == 2


def test_texts_are_sent_in_batches_and_asked_about_once(double, cache):
    batch = {"body": {"texts": "${texts}"}, "answer": {"each": "all", "score": ""}, "batch": 4}
    moderator = service(plain(double.url, **batch, ).model_copy(update={"url": f"{double.url}/batch"}), cache)  # fmt: skip
    texts = [f"{place} {HOSTILE}" if place % 2 else f"{place}" for place in range(10)]

    scores = asked(moderator, texts * 2)

    assert [one.harm_score(moderator.info) for one in scores] == [0.0, 1.0] * 10
    assert sorted(map(len, (body["texts"] for body in double.bodies))) == [2, 4, 4]


def test_what_is_known_is_not_asked_again(double, cache):
    asked(service(plain(double.url), cache), [HOSTILE, CIVIL])
    again = service(plain(double.url, requests_per_second=2000.0, retries=1), cache)

    scores = asked(again, [CIVIL, HOSTILE])

    assert [one.harm_score(again.info) for one in scores] == [0.1, 0.9]
    assert len(double.bodies) == 2
    assert again.counts.seen["from_cache"] == 2


FAULTS = {
    "too many": lambda handler: say(handler, 429, {}, Retry_After="0"),
    "a server error": lambda handler: say(handler, 503, {}),
    "half an answer": lambda handler: say(handler, 200, b'{"score": 0.'),
    "a closed connection": lambda handler: handler.connection.close() or True,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_passes_is_asked_again(fault, double, cache):
    moderator = service(plain(double.url), cache)
    double.fault = lambda number, body, handler: number in {1, 2} and FAULTS[fault](handler)

    scores = asked(moderator, [CIVIL, HOSTILE, "x", "y"])

    assert [one.error for one in scores] == [None] * 4
    assert moderator.counts.seen["retries"] == 2


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_stays_makes_its_text_unknown_and_is_not_kept(fault, double, cache):
    moderator = service(plain(double.url, retries=2), cache)
    double.fault = lambda number, body, handler: body["text"] == "stuck" and FAULTS[fault](handler)

    scores = asked(moderator, [CIVIL, HOSTILE, "stuck"])

    assert [one.error is None for one in scores] == [True, True, False]
    assert scores[2].labels == {}
    double.fault = lambda number, body, handler: False
    assert asked(service(plain(double.url), cache), ["stuck"])[0].error is None


def test_a_slow_answer_is_unknown(double, cache):
    waiting = threading.Event()
    asked(service(plain(double.url), cache), [CIVIL])
    moderator = service(plain(double.url, retries=1, timeout=0.2), cache)

    def fault(number, body, handler):
        return body["text"] == "slow" and waiting.wait(20)

    double.fault = fault
    try:
        scores = asked(moderator, [CIVIL, "slow"])
    finally:
        waiting.set()
    assert [one.error is None for one in scores] == [True, False]
    assert moderator.counts.seen["timeouts"] == 2


def test_an_answer_that_comes_byte_by_byte_is_too_late(double, cache):
    asked(service(plain(double.url), cache), [CIVIL])
    moderator = service(plain(double.url, retries=0, timeout=0.3), cache)
    gone = threading.Event()

    def fault(number, body, handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        with suppress(OSError):
            for _ in range(100):
                handler.wfile.write(b" ")
                if gone.wait(0.05):
                    break
        return True

    double.fault = fault
    try:
        scores = asked(moderator, ["slow"])
    finally:
        gone.set()
    assert "timed out" in scores[0].error
    assert moderator.counts.seen["timeouts"] == 1


@pytest.mark.parametrize(
    "answer",
    [{}, {"score": None}, {"score": "0.9"}, {"score": True}, {"score": 1.5}, {"score": []}, []],
)
def test_an_answer_without_a_verdict_is_unknown_never_a_pass(answer, double, cache):
    moderator = service(plain(double.url), cache)
    double.fault = lambda number, body, handler: number > 0 and say(handler, 200, answer)

    asked(moderator, [CIVIL])
    scores = asked(moderator, [CIVIL, "odd"])

    assert scores[1].error.startswith("unreadable answer")
    retries = moderator.description.retries
    assert moderator.counts.seen["malformed"] == retries + 1
    assert moderator.counts.seen["retries"] == retries
    assert moderator.counts.seen["requests"] == 2 + retries


def test_a_path_that_finds_nothing_in_the_first_answer_stops_at_once(double, cache):
    moderator = service(plain(double.url, answer={"score": "result.score"}), cache)
    with pytest.raises(UnavailableError, match=r"first answer of mine.*nothing at result\.score"):
        asked(moderator, [CIVIL, HOSTILE, "x", "y"])
    assert len(double.bodies) == 1


def test_a_refused_key_stops_at_once(double, cache):
    moderator = service(plain(double.url), cache)
    double.fault = lambda number, body, handler: say(handler, 403, {})
    with pytest.raises(UnavailableError, match="mine refuses the request: HTTP 403"):
        asked(moderator, [CIVIL, HOSTILE])
    assert len(double.bodies) == 1


def test_another_address_is_not_followed(double, cache):
    moderator = service(plain(double.url), cache)
    double.fault = lambda number, body, handler: say(
        handler, 302, {}, Location="http://example.org/"
    )
    with pytest.raises(UnavailableError, match="sends on to another address"):
        asked(moderator, [CIVIL])


def test_one_bad_text_costs_only_itself(double, cache):
    batch = {"body": {"texts": "${texts}"}, "answer": {"each": "all", "score": ""}, "batch": 3}
    moderator = service(plain(double.url, **batch).model_copy(update={"url": f"{double.url}/batch"}), cache)  # fmt: skip
    double.fault = lambda number, body, handler: "bad" in body["texts"] and say(handler, 400, {})

    scores = asked(moderator, ["a", "bad", HOSTILE])

    assert [one.error for one in scores] == [None, "HTTP 400", None]


def test_a_service_that_is_not_there_is_told(cache):
    moderator = service(plain("http://127.0.0.1:9", retries=0), cache)
    with pytest.raises(UnavailableError, match="gave no answer to the first 3 requests"):
        asked(moderator, ["a", "b", "c", "d"])


def test_a_service_that_stops_answering_stops_the_run_and_what_it_said_is_kept(double, cache):
    moderator = service(plain(double.url, retries=0, at_once=1), cache)
    double.fault = lambda number, body, handler: number >= 5 and say(handler, 503, {})
    with pytest.raises(OutageError, match="30 requests in a row"):
        asked(moderator, [f"{place}" for place in range(60)])

    double.fault, before = (lambda number, body, handler: False), len(double.bodies)
    scores = asked(service(plain(double.url), cache), [f"{place}" for place in range(60)])

    assert [one.error for one in scores] == [None] * 60
    assert len(double.bodies) - before == 55


def test_a_killed_run_goes_on_and_loses_nothing(double, tmp_path):
    """Killed for good while it is limited and fed broken answers; then run again."""
    texts = [f"{place} {HOSTILE if place % 3 == 0 else CIVIL}" for place in range(40)]

    def fault(number, body, handler):
        if number % 7 == 3:
            return FAULTS["too many"](handler)
        if number % 7 == 5:
            return FAULTS["half an answer"](handler)
        # Slow enough that it is killed in the middle, on any machine.
        if number >= 20 and not killed.is_set():
            killed.wait(60)
        return False

    killed = threading.Event()
    double.fault = fault
    code = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(ROOT)!r})
        from pathlib import Path
        from tests.endpoint_double import asked, plain, service
        from phoque.moderators.disk import DiskCache
        asked(service(plain({double.url!r}, at_once=2), DiskCache(Path({str(tmp_path / "s.sqlite")!r}))), {texts!r})
    """)
    running = subprocess.Popen([sys.executable, "-c", code], env={**os.environ})
    while kept(tmp_path / "s.sqlite") < 10 and running.poll() is None:
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    known, first = kept(tmp_path / "s.sqlite"), len(double.bodies)
    killed.set()

    moderator = service(plain(double.url), DiskCache(tmp_path / "s.sqlite"))
    scores = asked(moderator, texts)

    levels = [one.harm_score(moderator.info) for one in scores]
    assert levels == [0.9 if place % 3 == 0 else 0.1 for place in range(40)]
    assert moderator.counts.seen["from_cache"] == known >= 10
    again = {body["text"] for body in double.bodies[first:]}
    assert len(again) == 40 - known, "what is kept is not asked again"


def test_a_body_may_hold_the_messages_before_the_text(double, cache):
    from phoque.conversation import Message

    chat = {"body": {"text": "${text}", "before": "${context}", "messages": "${messages}"}}
    moderator = service(plain(double.url, **chat), cache)
    assert moderator.info.takes_context
    item = Item("now", (Message("user", "first"), Message("user", "second")))
    score(moderator, [item], may_send_text=True)
    body = double.bodies[0]
    assert body["before"] == "first\nsecond"
    assert [one["content"] for one in body["messages"]] == ["first", "second", "now"]
