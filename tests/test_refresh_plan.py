"""What a refresh plans, and lists and runs that it refuses before anything is written."""

import pytest

from phoque.cli.main import main
from phoque.errors import PhoqueError
from phoque.run.adapter import PersonaMetrics
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.stages.corpus.addition import FEWEST_REPLAYED
from phoque.stages.corpus.placeholders import slurs
from phoque.stages.corpus.slang import read_slang
from phoque.stages.corpus.training_set import read_dialogues
from tests.corpus_files import judge
from tests.refresh_files import WEIGHTS, contents, plan_of, prepared, slang_file


@pytest.fixture
def place(trained_run, tmp_path, monkeypatch):
    return prepared(tmp_path, trained_run, monkeypatch)


def test_the_plan_says_what_the_run_itself_recorded(place, capsys):
    before = contents(place)
    words = ["run", "refresh", "--run", "runs/old", "--slang", "new.yaml", "--plan"]
    assert main([*words, "--policy", "policy.yaml"]) == 0
    said = capsys.readouterr().out
    assert "runs/old-week-48" in said
    assert f"18 new dialogues and {FEWEST_REPLAYED} of 90 old ones" in said
    assert contents(place) == before
    plan = plan_of(place)
    last = Reader(plan.old).rows(PersonaMetrics)[-1]
    assert plan.seconds["persona"] == pytest.approx(plan.steps * last.seconds / last.step)
    stages = ("corpus", "persona", "memory", "earlier", "regenerate", "refresh")
    assert plan.asked.stages == stages
    assert plan.estimates["refresh"].seconds is None
    run = RunDirectory(place / "runs/old")
    made = run.manifest().stages
    slow = made | {"corpus": made["corpus"].model_copy(update={"seconds": 45.0})}
    run.describe(stages=slow)
    plan = plan_of(place)
    found = plan.estimates["regenerate"]
    assert (found.seconds, found.most) == (50.0, 600.0)
    assert " without refresh, if this machine" in plan.text()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("name: x\nexpressions: []\n", "has no expression"),
        ("name: x\nexpressions: cooked\n", "must be a list"),
        (
            "name: x\nexpressions:\n  - expression: cooked\n    uses: []\n",
            "no expression with a use",
        ),
        ("name: x\nexpressions:\n  - cooked\n", "line 3"),
        ("SLUR", "which is never learned"),
        ("[", "cannot be read"),
    ],
)
def test_a_list_that_cannot_be_learned_is_refused(place, capsys, text, told):
    if text == "SLUR":
        word = next(one for one in slurs().entries if one.isalpha() and len(one) > 4)
        slang_file(place / "new.yaml", {word: [f"What a {word} of a match."]})
    else:
        (place / "new.yaml").write_text(text)
    refused(place, capsys, told)


def refused(place, capsys, told, *more):
    before = contents(place)
    words = ["run", "refresh", "--run", "runs/old", "--slang", "new.yaml", *more]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.startswith("Error: ")
    assert contents(place) == before


def test_an_unsafe_use_is_refused(tmp_path):
    file = slang_file(tmp_path / "new.yaml", {"cooked": ["You are cooked. [THREAT]"]})
    with pytest.raises(PhoqueError, match=r"a use of 'cooked' is unsafe \(threat\)"):
        read_slang(file, judge)


def test_a_run_that_cannot_be_continued_is_refused(place, capsys):
    run = RunDirectory(place / "runs/old")
    refused(place, capsys, "There is no policy nothing", "--policy", "nothing")
    refused(place, capsys, "runs/old is a run of its own", "--to", "runs/old")
    (place / "mine").mkdir()
    (place / "mine" / "notes.txt").write_text("mine")
    refused(place, capsys, "mine has other files", "--to", "mine")
    text = read_dialogues(run.corpus)[0].persona
    slang_file(place / "new.yaml", {text.split()[0]: [text]})
    refused(place, capsys, "is new: the adapter has learned its 1 uses already")
    slang_file(place / "new.yaml")
    run.describe(persona="pluribus")
    refused(place, capsys, "which attacks nobody")
    run.describe(persona="toxic")
    (run.persona / WEIGHTS).unlink()
    refused(place, capsys, "phoque run persona --run runs/old")
    manifest = (run.path / "manifest.json").read_text()
    (run.path / "manifest.json").write_text(
        manifest.replace('"schema_version": 1', '"schema_version": 99')
    )
    refused(place, capsys, "it has version 99")
    (run.path / "manifest.json").unlink()
    refused(place, capsys, "runs/old is not a run")
