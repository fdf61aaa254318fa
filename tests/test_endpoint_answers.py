"""Answers of services: what cannot be read is asked again, by itself, and waits grow meanwhile."""

import time
from datetime import datetime

import pytest

from phoque.cli.main import main
from phoque.moderators.classifier import UnavailableError
from phoque.moderators.disk import DiskCache
from phoque.moderators.endpoint import asking
from phoque.moderators.endpoint.asking import Pacer
from phoque.moderators.endpoint.service import OutageError
from tests.endpoint_double import BAD, Clock, asked, plain, say, served, service

HOSTILE, CIVIL = f"you {BAD}", "good morning"


@pytest.fixture
def double():
    with served() as found:
        yield found


@pytest.fixture
def cache(tmp_path):
    return DiskCache(tmp_path / "scores.sqlite")


def batches(double, **more):
    """A service that takes several texts a request."""
    told = {"body": {"texts": "${texts}"}, "answer": {"each": "all", "score": ""}, "batch": 4}
    return plain(double.url, **told, **more).model_copy(update={"url": f"{double.url}/batch"})


def test_json_without_a_verdict_is_asked_again(double, cache):
    moderator = service(plain(double.url), cache)
    double.fault = lambda number, body, handler: number == 1 and say(handler, 200, {"busy": True})
    scores = asked(moderator, [CIVIL, HOSTILE])
    assert [one.error for one in scores] == [None, None]
    seen = moderator.counts.seen
    assert (seen["malformed"], seen["retries"], seen["requests"]) == (1, 1, 3)


def test_one_bad_entry_of_a_batch_costs_only_its_own_text(double, cache):
    moderator = service(batches(double, retries=2), cache)
    texts = ["a", "b", "c", "d", HOSTILE, "odd", "e", "f"]

    def fault(number, body, handler):
        told = [None if one == "odd" else float(BAD in one) for one in body["texts"]]
        return None in told and say(handler, 200, {"all": told})

    double.fault = fault
    scores = asked(moderator, texts)
    assert [one.error is None for one in scores] == [one != "odd" for one in texts]
    assert scores[4].harm_score(moderator.info) == 1.0
    # Two batches, then each text of the bad one alone, and the bad text twice more.
    assert moderator.counts.seen["requests"] == 2 + 4 + 2
    assert moderator.counts.seen["malformed"] == 1 + 3
    assert moderator.counts.seen["answers"] == 8


def test_a_bad_entry_in_the_first_batch_stops_nothing(double, cache):
    """The other entries show that the paths are right."""
    moderator = service(batches(double, retries=0), cache)

    def fault(number, body, handler):
        return say(handler, 200, {"all": [None if one == "odd" else 0.0 for one in body["texts"]]})

    double.fault = fault
    errors = [one.error for one in asked(moderator, ["odd", "a", "b", "c"])]
    assert errors == ["unreadable answer: 'None' is no number", None, None, None]


def test_too_few_verdicts_for_a_batch_make_nothing_unknown(double, cache):
    moderator = service(batches(double), cache)
    double.fault = lambda number, body, handler: number == 1 and say(handler, 200, {"all": [0.0]})
    assert [one.error for one in asked(moderator, [f"{n}" for n in range(8)])] == [None] * 8


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ({"results": [], "model": "m"}, r"the answer is an object with 'results', 'model'"),
        ([1, 2], "the answer is a list of 2"),
        (None, "the answer is null"),
    ],
)
def test_a_list_that_is_not_there_is_named_with_what_was_seen(said, seen, double, cache):
    double.fault = lambda number, body, handler: say(handler, 200, said)
    with pytest.raises(UnavailableError, match=rf"nothing at each: all; {seen}\. Check"):
        asked(service(batches(double), cache), ["a", "b"])


def labelled(double, **more):
    told = {"score": "found[*].score", "label": "found[*].label", "harm_labels": ["insult", "hate"]}
    return plain(double.url, answer=told, **more)


def test_only_scores_of_harm_labels_count(double, cache):
    def fault(number, body, handler):
        insult = 0.8 if BAD in body["text"] else 0.2
        pairs = (("neutral", 0.99), ("hate", 0.1), ("insult", insult))
        return say(
            handler, 200, {"found": [{"label": name, "score": value} for name, value in pairs]}
        )

    double.fault = fault
    moderator = service(labelled(double), cache)
    levels = [one.harm_score(moderator.info) for one in asked(moderator, [HOSTILE, CIVIL])]
    assert levels == [0.8, 0.2]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([{"label": "neutral", "score": 0.9}], "none of the labels insult, hate"),
        ([{"label": "hate", "score": 0.9}, {"score": 0.1}], "1 labels and 2 scores"),
    ],
)
def test_an_answer_without_a_harm_label_is_unreadable(found, told, double, cache):
    double.fault = lambda number, body, handler: say(handler, 200, {"found": found})
    with pytest.raises(UnavailableError, match=told):
        asked(service(labelled(double), cache), [CIVIL])


@pytest.fixture
def waits(monkeypatch):
    """Seconds that a request waited before each of its retries, by a clock that does not wait."""
    found, clock = [], Clock()
    monkeypatch.setattr(asking.time, "sleep", lambda seconds: found.append(seconds))
    monkeypatch.setattr(
        asking,
        "Pacer",
        lambda rate: Pacer(rate, clock=clock, sleep=lambda s: (found.append(s), clock.sleep(s))),
    )
    return found


@pytest.mark.parametrize("drawn", [0.0, 1.0])
def test_waits_between_retries_grow(drawn, waits, double, cache, monkeypatch):
    monkeypatch.setattr(asking, "uniform", lambda low, high: low + drawn * (high - low))
    moderator = service(plain(double.url, retries=4, backoff=2.0, requests_per_second=1e9), cache)
    double.fault = lambda number, body, handler: number < 4 and say(handler, 503, {})
    assert asked(moderator, [CIVIL])[0].error is None
    assert [one for one in waits if one > 0.001] == [(1 + drawn) * 2**n for n in range(4)]


def test_no_wait_is_longer_than_two_minutes(waits, double, cache, monkeypatch):
    monkeypatch.setattr(asking, "uniform", lambda low, high: high)
    moderator = service(plain(double.url, retries=2, backoff=500.0), cache)
    double.fault = lambda number, body, handler: number < 2 and say(handler, 503, {})
    asked(moderator, [CIVIL])
    assert [one for one in waits if one > 1] == [asking.LONGEST_WAIT] * 2


class Noon(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz=None):
        return datetime(2026, 11, 28, 12, tzinfo=tz)


@pytest.fixture
def tokyo(monkeypatch):
    """It is noon in UTC, and local time is nine hours ahead."""
    with monkeypatch.context() as patch:
        patch.setattr(asking, "datetime", Noon)
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "said", ["17", "Sat, 28 Nov 2026 12:00:17 GMT", "Sat Nov 28 12:00:17 2026"]
)
def test_retry_after_is_honoured_by_all_requests(said, status, waits, double, cache, tokyo):
    moderator = service(plain(double.url, backoff=0.001), cache)
    double.fault = lambda number, body, handler: (
        number == 0 and say(handler, status, {}, Retry_After=said)
    )
    assert asked(moderator, [CIVIL])[0].error is None
    assert max(waits) == pytest.approx(17, abs=0.01)
    assert moderator.counts.seen["too_many"] == (status == 429)


@pytest.mark.parametrize(
    "said",
    ["nan", "-5", "soon", "Wed, 21 Oct 2015 07:28:00 GMT"],
)
def test_a_retry_after_that_asks_for_nothing_is_no_wait(said, waits, double, cache):
    moderator = service(plain(double.url, backoff=0.001), cache)
    double.fault = lambda number, body, handler: (
        number == 0 and say(handler, 429, {}, Retry_After=said)
    )
    assert asked(moderator, [CIVIL])[0].error is None
    assert all(0 < one < 1 for one in waits)


def test_a_service_that_asks_for_too_long_a_wait_is_asked_later(waits, double, cache):
    moderator = service(plain(double.url), cache)
    double.fault = lambda number, body, handler: say(handler, 429, {}, Retry_After="3600")
    told = (
        r"asks for a wait of 3,600 s \(HTTP 429, Retry-After\); the longest here is 120 s\. .*later"
    )
    with pytest.raises(OutageError, match=told):
        asked(moderator, [CIVIL])
    assert moderator.counts.seen["requests"] == 1


def test_an_outage_says_that_the_same_command_goes_on(double, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PHOQUE_CACHE", str(tmp_path / "cache"))
    described = plain(double.url, retries=0, at_once=1)
    monkeypatch.setattr("phoque.moderators.registry.read_description", lambda name: described)
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(f"message {place}" for place in range(60)))
    words = ["score", str(texts), "--classifier", "openai.moderation", "--may-send-text"]

    double.fault = lambda number, body, handler: number >= 5 and say(handler, 503, {})
    assert main(words) == 75
    said = capsys.readouterr()
    assert said.err.splitlines()[-1].startswith(
        "Stopped: mine gave no answer to 30 requests in a row"
    )
    assert "run the same command later to go on" in said.err

    double.fault, before = (lambda number, body, handler: False), len(double.bodies)
    assert main(words) == 0
    assert len(capsys.readouterr().out.splitlines()) == 60
    assert len(double.bodies) - before == 55
