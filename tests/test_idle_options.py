"""An option that would do nothing is refused in one line, which names it and what it needs."""

import pytest

from phoque.cli.main import main
from phoque.cli.run.all import everything, stages, words_of

JOB = ("--yes", "--flavor h100", "--timeout 9h", "--attempts 2", "--storage repo", "--secret X")


def refused(line, capsys):
    """What is said of a command that writes nothing."""
    assert main(line.split()) == 2
    said = capsys.readouterr()
    assert said.err.startswith("Error: "), said.err
    assert (said.err.count("\n"), said.out) == (1, "")
    return said.err


@pytest.mark.parametrize(
    ("line", "option", "needs"),
    [
        *((f"run all --dry-run {one}", one.split()[0], "add --target jobs") for one in JOB),
        ("run all --namespace me", "--namespace", "add --target jobs"),
        ("run all --only report --samples 5", "--samples", "no stage that is chosen (report)"),
        ("run all --from moderation --train-tokens 5", "--train-tokens", "choose its stage"),
        ("run all --only control --take x --seed 7", "--seed", "no stage that is chosen"),
        ("run all --target jobs --checkpoint-repo a/b --yes", "--checkpoint-repo", "--storage"),
        ("run all --target jobs --at-once 2", "--at-once", "a Job runs one stage at a time"),
        ("run control --run x --take y --seed 7", "--seed", "--take copies an adapter"),
        ("run control --run x --take y --quantize 4bit", "--quantize", "--take copies"),
        ("pressure --column body", "--column", "--corpus FILE"),
        ("pressure --file x.csv --label bad", "--label", "--corpus FILE"),
        ("pressure --live --corpus x.csv", "--live", "Add --run DIR"),
        ("pressure --live --attacks x", "--live", "Add --run DIR"),
        ("pressure --out x compare a b", "--out", "compare only compares"),
        ("pressure --live compare a b", "--live", "compare only compares"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    line, option, needs, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    said = refused(line, capsys)
    assert f"Error: {option} would do nothing" in said
    assert needs in said
    assert not list(tmp_path.iterdir())


def test_several_are_named_at_once(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    said = refused("run all --only report --samples 50 --train-tokens 5", capsys)
    assert "--train-tokens" in said
    assert "--samples" in said


@pytest.mark.parametrize(
    "line",
    [
        "run all --run new --dry-run --samples 5 --train-tokens 5 --seed 7 --take x --seeds 1 2",
        "run all --run new --dry-run --only persona control --seed 7 --take x",
        "run all --run new --target jobs --model tiny --flavor a10g-small --only corpus --limit 5",
    ],
)
def test_one_that_does_something_is_not(line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(line.split()) == 0, capsys.readouterr().err


def test_a_civil_adapter_that_is_taken_gets_no_options_of_a_training_beside_others():
    context = everything.make_context("all", ["--take", "x", "--seed", "7", "--samples", "5"])
    assert words_of(context, stages()["control"]) == ["--take", "x"]
    assert words_of(context, stages()["persona"]) == ["--samples", "5", "--seed", "7"]
