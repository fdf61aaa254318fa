"""Before a pressure test begins: what is first asked is shown, and every service is tried."""

import json

import pytest

from phoque.cli.main import main
from phoque.stages.pressure import live
from tests.endpoint_double import served
from tests.pressure_files import TRAFFIC, a_run, prepared

BATCH = """name: {name}
url: {url}/batch
body: {{texts: "${{texts}}"}}
answer: {{each: {each}, score: ""}}
batch: 8
requests_per_second: 1000
"""
ASKS = "name: {name}\nmoderators:\n  - endpoint: {name}.yaml\ncanonical: false\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    return prepared(tmp_path, monkeypatch)


@pytest.fixture
def double():
    with served() as found:
        yield found


def describe(folder, double, name, each="all"):
    (folder / f"{name}.yaml").write_text(BATCH.format(name=name, url=double.url, each=each))
    (folder / f"policy-{name}.yaml").write_text(ASKS.format(name=name))
    return ["--policy", f"policy-{name}.yaml"]


def test_a_bad_path_of_the_second_policy_stops_before_the_first_runs(place, double, capsys):
    words = [*describe(place, double, "good"), *describe(place, double, "bad", each="none")]
    assert main(["pressure", *TRAFFIC, *words, "--out", "a"]) == 2
    told = "The first answer of bad cannot be read: nothing at each: none; the answer is an object"
    assert told in capsys.readouterr().err
    assert len(double.bodies) == 2, "one request to each"
    assert not (place / "a").exists()


def test_the_dry_run_prints_the_request_that_is_sent_first(place, double, capsys):
    words = ["pressure", *TRAFFIC, *describe(place, double, "good")]
    assert main([*words, "--dry-run"]) == 0
    told = json.loads(capsys.readouterr().out.partition("\n\n")[2])
    assert double.bodies == []
    assert main([*words, "--out", "a"]) == 0
    assert told == double.bodies[0]
    assert len(told["texts"]) == 8
    # Where every answer is kept, it is still the first request of such a run.
    capsys.readouterr()
    assert main([*words, "--dry-run"]) == 0
    assert len(json.loads(capsys.readouterr().out.partition("\n\n")[2])["texts"]) == 8


def test_moderators_are_loaded_before_messages_are_written(place, double, monkeypatch, capsys):
    run = a_run(place / "run", "toxic", [("toxic", "message 1", "recorded, never used")])
    monkeypatch.setattr(live, "open_lab", lambda _: pytest.fail("a model was loaded"))
    monkeypatch.delenv("MY_KEY", raising=False)
    words = ["pressure", "--run", str(run), "--live", *describe(place, double, "good")]
    text = (place / "good.yaml").read_text()
    (place / "good.yaml").write_text(text + 'headers: {X-Key: "${MY_KEY}"}\n')
    assert main(words) == 2
    assert "good needs the environment variable MY_KEY" in capsys.readouterr().err
    (place / "good.yaml").write_text(text + "treshold: 0.5\n")
    assert main(words) == 2
    assert "there is no field treshold" in capsys.readouterr().err
