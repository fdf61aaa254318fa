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


def posted(folder):
    """Texts that a decision was needed about."""
    return {row["text"] for row in json_lines(folder / Turn.FILE) if row.get("decision")}


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


def test_a_dry_run_needs_no_leave_and_shows_the_headers(place, monkeypatch, capsys):
    monkeypatch.setenv("MY_KEY", "secret-key")
    (place / "service.yaml").write_text(SERVICE.format(url="https://moderation.example.org"))
    (place / "asks.yaml").write_text(ASKS)
    assert main(["pressure", *TRAFFIC, "--policy", "asks.yaml", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "POST https://moderation.example.org/plain\nX-Key: (hidden)" in out
    assert "Content-Type: application/json" in out


def test_kept_answers_are_told_and_asked_again_on_demand(asks, place, capsys):
    """The service behind the address changes: what it said before must not pass for what it says."""
    words = ["pressure", *TRAFFIC, "--policy", "asks.yaml", "--out"]
    assert main([*words, "before"]) == 0
    assert "kept from before" not in capsys.readouterr().err
    asks.fault = lambda number, body, handler: say(handler, 200, {"score": 0.0})
    assert main([*words, "older"]) == 0
    kept = PressureReport.load(place / "older", command="x").policies[0].calls["mine"]
    assert f"mine: {kept.from_cache} answers were kept from before (20" in capsys.readouterr().err
    assert kept.kept_from.endswith(" UTC")
    gate = ["pressure", "compare", "before", "--fail-if", "leak > +2 points"]
    assert main([*gate, "older"]) == 0
    told = capsys.readouterr().err
    assert "Warning: older shows what mine said before (20" in told
    assert f"{kept.from_cache} answers were kept, and it got no requests." in told

    assert main([*words, "after", "--ask-again"]) == 0
    assert "kept from before" not in capsys.readouterr().err
    assert main([*gate, "after"]) == 1
    assert "Warning" not in capsys.readouterr().err
    # The new answers took the place of the old ones.
    assert main([*words, "later"]) == 0
    assert main(["pressure", "compare", "after", "later", "--fail-if", "leak > 0 points"]) == 0


def test_another_version_has_answers_of_its_own(asks, place):
    words = ["pressure", *TRAFFIC, "--policy", "asks.yaml", "--out"]
    described = (place / "service.yaml").read_text()
    asked = []
    for version in ("", "version: 2026-07-31\n", "version: 2\n", "version: '2'\n"):
        (place / "service.yaml").write_text(described + version)
        before = len(asks.texts)
        assert main([*words, "a"]) == 0
        asked.append({*asks.texts[before:]})
    # How many more are asked ahead depends on when answers come.
    said = posted(place / "a")
    assert all(said <= one for one in asked[:3])
    assert asked[3] == set()


def test_another_model_named_in_a_header_has_answers_of_its_own(asks, place):
    words = ["pressure", *TRAFFIC, "--policy", "asks.yaml", "--out"]
    described = (place / "service.yaml").read_text()
    asked = []
    for model in ("a", "b", "b"):
        with_model = described.replace("headers: {", f"headers: {{X-Model: {model}, ", 1)
        assert with_model != described
        (place / "service.yaml").write_text(with_model)
        before = len(asks.texts)
        assert main([*words, "a"]) == 0
        asked.append({*asks.texts[before:]})
    said = posted(place / "a")
    assert said <= asked[0]
    assert said <= asked[1]
    assert asked[2] == set()


def test_a_request_is_said_to_be_json_unless_the_description_says_otherwise(asks, place):
    seen = []
    asks.fault = lambda number, body, handler: seen.append(handler.headers["Content-Type"])
    described = (place / "service.yaml").read_text()
    other = described.replace('{X-Key: "${MY_KEY}"}', "{content-type: text/plain}")
    for place_of, text in (("a", described), ("b", other + "version: 2\n")):
        (place / "service.yaml").write_text(text)
        assert main(["pressure", *TRAFFIC, "--policy", "asks.yaml", "--out", place_of]) == 0
    assert set(seen) == {"application/json", "text/plain"}


def test_a_service_that_refuses_every_text_stops_at_once_and_says_why(asks, place, capsys):
    def fault(number, body, handler):
        told = {"detail": "Input should be a dictionary", "key": "secret-key"}
        return say(handler, 422, told | {"input": body})

    asks.fault = fault
    assert main(["pressure", *TRAFFIC, "--policy", "asks.yaml", "--out", "a"]) == 2
    err = capsys.readouterr().err.strip()
    last = err.splitlines()[-1]
    assert 'refused each of the first 5 texts: HTTP 422: {"detail": "Input should be' in last
    assert "secret-key" not in err
    assert '"text": "(the text)"' in last
    assert len(asks.bodies) == 5
    assert not (place / "a").exists()


def test_the_last_reason_of_a_failure_is_in_the_report(asks, place, capsys):
    def fault(number, body, handler):
        odd = "number 3" in body["text"]
        return odd and say(
            handler, 400, f"no | <b>: {body['text']} secret-key {'x' * 300}".encode()
        )

    asks.fault = fault
    words = ["pressure", *TRAFFIC, "--policy", "asks.yaml", "--html"]
    assert main([*words, "--out", "a"]) == 1
    reason = PressureReport.load(place / "a", command="x").policies[0].calls["mine"].reason
    assert reason.startswith("HTTP 400: no | <b>: (the text) (hidden) xxx")
    assert len(reason) == 200
    assert f"the last time: {reason}" in capsys.readouterr().err
    assert "the last failure: HTTP 400" in (place / "a" / "report.md").read_text()
    assert "<b>:" not in (place / "a" / "report.html").read_text()
    # Without texts a service's words are left out: they may repeat a part of one.
    assert main([*words, "--no-texts", "--out", "b"]) == 1
    assert (
        PressureReport.load(place / "b", command="x").policies[0].calls["mine"].reason == "HTTP 400"
    )


def test_a_moderator_under_two_names_would_count_twice(asks, place, capsys):
    text = (place / "service.yaml").read_text()
    (place / "again.yaml").write_text(text.replace("name: mine", "name: other"))
    (place / "asks.yaml").write_text(
        ASKS.replace("canonical", "  - endpoint: again.yaml\ncanonical")
    )
    assert main(["pressure", *TRAFFIC, "--policy", "asks.yaml"]) == 2
    assert "mine and other are the same moderator" in capsys.readouterr().err


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
