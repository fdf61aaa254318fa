"""`phoque pressure` asks moderation services: once a text, not without leave, and unknown never passes."""

import pytest

from phoque.cli.main import main
from phoque.files import json_lines
from phoque.run.pressure import PressureReport, Turn
from tests.endpoint_double import say, served
from tests.pressure_files import TRAFFIC, prepared

SERVICE = """name: mine
url: {url}/plain
body: {{text: "${{text}}"}}
headers: {{X-Key: "${{MY_KEY}}"}}
answer: {{score: score}}
requests_per_second: 1000
backoff: 0.001
cost_per_call: 0.002
"""
ASKS = "name: asks\nmoderators:\n  - endpoint: service.yaml\ncanonical: false\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    return prepared(tmp_path, monkeypatch)


@pytest.fixture
def asks(place, monkeypatch):
    """A policy that asks a service on this machine."""
    monkeypatch.setenv("MY_KEY", "secret-key")
    with served() as double:
        (place / "service.yaml").write_text(SERVICE.format(url=double.url))
        (place / "asks.yaml").write_text(ASKS)
        yield double


def test_a_service_is_tested_and_asked_about_each_text_once(asks, place, capsys):
    words = ["pressure", *TRAFFIC, "--policy", "asks.yaml", "--out"]
    assert main([*words, "a"]) == 0
    assert len(asks.texts) == len(set(asks.texts)) > 10
    report = PressureReport.load(place / "a", command="x").policies[0]
    assert report.measures.cost_per_1000 == 2.0
    calls = report.calls["mine"]
    assert (calls.requests, calls.cost) == (len(asks.texts), pytest.approx(0.002 * len(asks.texts)))
    # A second run finds every answer kept, and the same report.
    assert main([*words, "b"]) == 0
    again = PressureReport.load(place / "b", command="x").policies[0]
    assert again.measures == report.measures
    assert again.calls["mine"].requests == 0


def test_broken_answers_are_unknown_in_the_report_never_passes(asks, place):
    def fault(number, body, handler):
        if "number 3" in body["text"]:
            return say(handler, 500, {})
        return "better without" in body["text"] and number > 0 and say(handler, 200, b"[1")

    asks.fault = fault
    assert main(["pressure", *TRAFFIC, "--policy", "asks.yaml", "--out", "a"]) == 1
    report = PressureReport.load(place / "a", command="x").policies[0]
    for row in json_lines(place / "a" / Turn.FILE):
        if "number 3" in row["text"] and row["outcome"] != "muted":
            assert (row["decision"], row["outcome"]) == ("unknown", "unknown")
    assert report.measures.unknown.value > 0
    assert report.calls["mine"].failed > 0
    assert "answers 5xx" in (place / "a" / "report.md").read_text()


def test_a_service_that_goes_away_stops_the_run_to_be_gone_on_with(asks, place, capsys):
    words = ["pressure", *TRAFFIC, "--policy", "asks.yaml", "--out", "a"]
    asks.fault = lambda number, body, handler: number >= 20 and say(handler, 503, {})
    assert main(words) == 75
    assert "run the same command later to go on" in capsys.readouterr().err
    assert not (place / "a").exists()
    answered, asks.fault = set(asks.texts[:20]), lambda number, body, handler: False
    before = len(asks.texts)
    assert main(words) == 0
    assert not answered & set(asks.texts[before:])


def test_a_dry_run_prints_the_first_request_and_sends_nothing(asks, capsys):
    assert main(["pressure", *TRAFFIC, "--policy", "asks.yaml", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"POST {asks.url}/plain\nX-Key: (hidden)")
    assert asks.bodies == []


def test_nothing_leaves_the_machine_without_leave(place, monkeypatch, capsys):
    monkeypatch.setenv("MY_KEY", "k")
    (place / "service.yaml").write_text(SERVICE.format(url="https://moderation.example.org"))
    (place / "asks.yaml").write_text(ASKS)
    assert main(["pressure", *TRAFFIC, "--policy", "asks.yaml"]) == 2
    assert "mine is on another machine" in capsys.readouterr().err


def test_a_service_that_is_known_by_name_needs_leave_too(place, monkeypatch, capsys):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    (place / "openai.yaml").write_text("name: o\nmoderators: [{use: openai.moderation}]\n")
    assert main(["pressure", *TRAFFIC, "--policy", "openai.yaml"]) == 2
    assert "openai.moderation is on another machine" in capsys.readouterr().err
