"""A classifier in a folder as a moderator of a policy: it lies beside the policy, wherever the command runs."""

import os

import pytest

from phoque.cli.main import main
from phoque.run.pressure import PressureReport
from tests.moderators import fast_tokenizer, random_classifier
from tests.pressure_files import TRAFFIC, prepared

POLICY = "name: {name}\nmoderators:\n  - use: {use}\ncanonical: false\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The command runs in one folder, and the policy lies in another."""
    monkeypatch.setenv("PHOQUE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "work").mkdir()
    (tmp_path / "policies").mkdir()
    prepared(tmp_path / "work", monkeypatch)
    return tmp_path


def test_a_folder_beside_the_policy_is_its_moderator(place):
    policies = place / "policies"
    random_classifier(policies / "classifier", "bert", fast_tokenizer(pad_token="[PAD]"))
    words = []
    for name, use in (("one", "./classifier"), ("two", "classifier")):
        (policies / f"{name}.yaml").write_text(POLICY.format(name=name, use=use))
        words += ["--policy", os.fspath(policies / f"{name}.yaml")]
    assert main(["pressure", *TRAFFIC, *words, "--out", "a"]) == 0
    report = PressureReport.load(place / "work" / "a", command="x")
    # Both names lead to one folder, which is loaded once.
    assert [one.moderators for one in report.policies] == [("./classifier",)] * 2
    assert [one.measures.unknown.value for one in report.policies] == [0.0] * 2
    assert str(place) not in (place / "work" / "a" / "report.json").read_text()


def test_folders_of_one_name_beside_two_policies_are_two_moderators(place):
    words = []
    for name, labels in (("one", ("neutral", "toxic")), ("two", ("toxic", "neutral"))):
        own = place / "policies" / name
        random_classifier(own / "classifier", "bert", fast_tokenizer(pad_token="[PAD]"), labels)
        (own / "policy.yaml").write_text(POLICY.format(name=name, use="./classifier"))
        words += ["--policy", os.fspath(own / "policy.yaml")]
    assert main(["pressure", *TRAFFIC, *words, "--out", "a"]) == 0
    one, two = PressureReport.load(place / "work" / "a", command="x").policies
    assert one.by_moderator != two.by_moderator


def test_a_folder_that_is_not_there_gets_one_line(place, capsys):
    (place / "policies" / "one.yaml").write_text(POLICY.format(name="one", use="./clasifier"))
    words = ["--policy", os.fspath(place / "policies" / "one.yaml")]
    assert main(["pressure", *TRAFFIC, *words]) == 2
    err = capsys.readouterr().err
    assert "clasifier, which a policy uses as a moderator" in err
    assert err.count("\n") == 1
