"""Policies of the pressure test: how moderators are combined, and what a wrong one is told."""

import json

import pytest

from phoque.errors import PhoqueError
from phoque.moderators.classifier import Item
from phoque.moderators.decided import Decided
from phoque.run.pressure import Decision
from phoque.settings import read_settings
from phoque.stages.pressure.deciding import rescaled
from phoque.stages.pressure.loading import deciders
from phoque.stages.pressure.policy import Policy, read_policy
from phoque.stages.pressure.traffic import Traffic
from tests.pressure_files import OneWord, decider, policy, traffic


@pytest.mark.parametrize(
    ("value", "threshold", "level"),
    [(0.2, 0.2, 0.5), (0.1, 0.2, 0.25), (0.6, 0.2, 0.75), (0.5, 0.5, 0.5), (1.0, 1.0, 1.0),
     (0.99, 1.0, 0.495), (0.0, 0.0, 0.5), (1.0, 0.0, 1.0)],
)  # fmt: skip
def test_a_moderators_own_threshold_is_the_middle_of_the_level(value, threshold, level):
    assert rescaled(value, threshold) == pytest.approx(level)


@pytest.mark.parametrize(
    ("combine", "scores", "decision"),
    [
        ("any", (0.9, 0.1), Decision.FLAGGED),
        ("any", (0.1, 0.2), Decision.PASSES),
        ("any", (0.9, None), Decision.FLAGGED),
        ("any", (0.1, None), Decision.UNKNOWN),
        ("all", (0.9, 0.1), Decision.PASSES),
        ("all", (0.9, 0.8), Decision.FLAGGED),
        ("all", (0.1, None), Decision.PASSES),
        ("all", (0.9, None), Decision.UNKNOWN),
        ("weighted", (0.9, 0.3), Decision.FLAGGED),
        ("weighted", (0.5, 0.3), Decision.PASSES),
        ("weighted", (0.9, None), Decision.UNKNOWN),
        ("any", (None, None), Decision.UNKNOWN),
    ],
)
def test_moderators_are_combined_and_unknown_never_passes(combine, scores, decision):
    own = policy(
        combine=combine, moderators=({"use": "a", "weight": 3.0}, {"use": "b", "weight": 1.0})
    )
    if combine == "weighted":
        own = policy(
            combine=combine, moderators=({"use": "a", "weight": 2.0}, {"use": "b", "weight": 1.0})
        )
    one = decider(own, OneWord("a"), OneWord("b"))
    level = one.level(dict(zip("ab", scores, strict=True)))
    found = (
        Decision.UNKNOWN if level is None
        else Decision.FLAGGED if level >= own.threshold else Decision.PASSES
    )  # fmt: skip
    assert found is decision


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: a\nmoderators: [{use: x}]\nthreshhold: 1", "there is no field threshhold"),
        ("name: a\nmoderators: [{use: x}]\nstrikes: {cuont: 1, within: 2}", "strikes.count is missing|no field strikes.cuont"),
        ("name: a\nmoderators: [{use: x}]\nthreshold: 1.2", "threshold: .*less than or equal to 1"),
        ("name: a\nmoderators: [{use: x, threshold: -0.1}]", "moderators.0.threshold"),
        ("name: a\nmoderators: [{use: x}]\nthreshold: yes", "threshold"),
        ("name: a\nmoderators: []", "moderators"),
        ("name: a\nmoderators: [{}]", "moderators.0: give one of use, endpoint and decisions"),
        ("name: a\nmoderators: [{use: x, endpoint: y}]", "found use and endpoint"),
        ("name: a\nmoderators: [{endpoint: y, harm_labels: [rude]}]", "moderators.0: harm_labels would do nothing beside endpoint"),
        ("name: a\nmoderators: [{use: x}]\nreview: {from: 0.6, capacity_per_hour: 9}", "nothing would be reviewed"),
        ("name: a\nmoderators: [{use: x}]\ncombine: most", "combine"),
        ("- a", "should be an object"),
    ],
)  # fmt: skip
def test_a_wrong_policy_is_refused_in_one_line(text, told, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    with pytest.raises(PhoqueError, match=told) as error:
        read_policy(str(file))
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("described", "own", "counts"), [("", "", 0.5), ("0.8", "", 0.8), ("0.8", "0.5", 0.5), ("0", "", 0)]
)  # fmt: skip
def test_a_threshold_of_the_description_counts_where_the_policy_has_none(
    described, own, counts, tmp_path
):
    service = "name: a\nurl: http://127.0.0.1/\nbody: {t: '${text}'}\nanswer: {score: s}\n"
    (tmp_path / "a.yaml").write_text(service + (f"threshold: {described}\n" if described else ""))
    told = f"threshold: {own}" if own else ""
    (tmp_path / "p.yaml").write_text(f"name: p\nmoderators:\n  - endpoint: a.yaml\n    {told}\n")
    [found] = deciders({"p": read_policy(str(tmp_path / "p.yaml"))})
    assert found.policy.moderators[0].threshold == counts
    level = found.level({"a": 0.7})
    assert (level >= 0.5) == (counts <= 0.7)


def test_harm_labels_that_a_moderator_of_ours_would_not_read_are_refused(tmp_path):
    (file := tmp_path / "p.yaml").write_text(
        "name: p\nmoderators: [{use: embedded.svm, harm_labels: [rude]}]"
    )
    with pytest.raises(PhoqueError, match="harm labels rude would do nothing"):
        deciders({"p": read_policy(str(file))})


@pytest.mark.parametrize(
    ("rows", "known"), [("flagged a, a", 1.0), (" a,1 a", 1.0), ("0.4 a,0.4 a", 0.4)]
)
def test_a_text_may_stand_twice_with_one_verdict(rows, known, tmp_path):
    found = Decided(decided(tmp_path, rows))
    assert found.score_batch([Item("a")])[0].labels == {"flagged": known}


@pytest.mark.parametrize("rows", ["flagged a,passes a", "0.4 a,passes b, b,0.5 a"])
def test_two_verdicts_about_one_text_are_refused(rows, tmp_path):
    line = rows.count(",") + 2
    with pytest.raises(PhoqueError, match=rf"line {line}: line 2 .*another verdict \('a'\)"):
        Decided(decided(tmp_path, rows))


def decided(folder, rows):
    """A file of verdicts and texts: `flagged a,passes b`."""
    pairs = (row.split(" ") for row in rows.split(","))
    lines = ["verdict,text", *(",".join(pair) for pair in pairs)]
    (file := folder / "judged.csv").write_text("\n".join(lines) + "\n")
    return file


def test_a_style_that_nobody_knows_is_refused(tmp_path):
    file = tmp_path / "traffic.yaml"
    file.write_text(json.dumps(traffic().model_dump(mode="json") | {"styles": ["sarcasm"]}))
    with pytest.raises(PhoqueError, match="there is no style 'sarcasm'"):
        read_settings(file, Traffic)


def test_the_shipped_policies_are_read():
    for name in ("words", "meaning"):
        found, _ = read_policy(name)
        assert isinstance(found, Policy)
        assert found.name == name
    assert "embedded.semantic" in [one.use for one in read_policy("meaning")[0].moderators]
