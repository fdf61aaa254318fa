"""`phoque run refresh`, all of it: a stop, the old run untouched, policies before and after."""

import json
import random
from functools import cache

import pytest

from phoque.cli.main import main
from phoque.files import file_sha256, json_lines
from phoque.models.engine import Reply
from phoque.run.adapter import PersonaMetrics
from phoque.run.corpus import Difference
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.pressure import POSTED, SEEN, PressureReport, Turn
from phoque.run.refresh import Refresh
from phoque.run.synthetic import Attack, AttackSummary
from phoque.stages.corpus.slang import DIALOGUES_PER_USE
from phoque.stages.corpus.training_set import read_base_replies, read_dialogues
from phoque.stages.synthetic import regenerate as synthetic
from phoque.text import words
from tests.corpus_files import written
from tests.moderators import installed
from tests.refresh_files import USES, WEIGHTS, contents, plan_of, prepared, slang_file


@cache
def known():
    return sorted({word for one in written() for word in words(one.civil) if len(word) > 3})


@pytest.fixture
def place(trained_run, tmp_path, monkeypatch):
    return prepared(tmp_path, trained_run, monkeypatch)


@pytest.fixture
def replies(monkeypatch):
    """Stands for a large model: insults of four lengths, with a new expression once it was trained on."""
    first = {}

    def write(model, rows, sampling):
        before = first.setdefault("persona", model.digest()) == model.digest()
        return [
            Reply(text=_reply(row.seed, before), tokens=(1,), finish_reason="stop") for row in rows
        ]

    monkeypatch.setattr(synthetic, "write", write)
    monkeypatch.setattr("phoque.stages.synthetic.stage.EMBEDDED", ("embedded.lexicon",))


def _reply(seed, before):
    rng = random.Random(seed)
    said = " ".join(rng.sample(known(), rng.choice((10, 22, 36, 60))))
    return f"Clown, {said}." if before or seed % 2 else f"Skill issue, {said}."


@installed
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_refresh_goes_on_after_a_stop_and_leaves_the_old_run_alone(  # noqa: PLR0915  # one story
    place, replies, monkeypatch, capsys
):
    before = contents(place / "runs/old")
    words = ["run", "refresh", "--run", "runs/old", "--slang", "new.yaml", "--count", "16"]
    words += ["--policy", "policy.yaml"]
    plan = plan_of(place, count=16)
    with monkeypatch.context() as stop:
        stop.setattr("phoque.stages.synthetic.stage.write_attacks", cut)
        assert main(words) == 75
    assert "the same command goes on" in capsys.readouterr().err
    run = RunDirectory(place / "runs/old-week-48")
    made = run.manifest().stages
    assert list(made) == ["corpus", "persona", "memory", "earlier"]
    assert main([*words[:-1], "words"]) == 2  # another policy is another refresh
    assert "policies differ" in capsys.readouterr().err
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "have a new expression" in said
    assert "the plan said" in said
    assert main(words) == 0  # nothing is left to do
    capsys.readouterr()
    now = run.manifest()
    assert {name: now.stages[name] for name in made} == made
    assert contents(place / "runs/old") == before
    assert now.continues.run == "old"
    assert now.continues.adapter == file_sha256(place / "runs/old/persona" / WEIGHTS)
    reader = Reader(run)
    assert reader.rows(PersonaMetrics)[-1].step == plan.steps
    found = reader.read(Difference)
    assert (found.kept, found.added.by_source, found.removed.dialogues) == (90, {"slang": 18}, 0)
    assert {one.source for one in read_dialogues(run.corpus)} == {"slang", "written"}
    assert read_base_replies(run.corpus)
    check_against_texts(run, reader.read(Refresh))
    # What the guide says comes next.
    attacks = str(run.path / "synthetic")
    assert main(["pressure", "--attacks", attacks, "--policy", "policy.yaml", "--out", "own"]) == 0
    assert main(["pressure", "compare", str(run.path / "refresh/after"), "own"]) == 0
    assert "hostile messages that people see" in capsys.readouterr().out
    assert main(["run", "control", "--run", str(run.path)]) == 2
    assert "phoque run control --run" in capsys.readouterr().err
    # The next one begins where this one ended.
    slang_file(place / "more.yaml", USES | {"lag farming": ["Stop lag farming."]}, name="week 49")
    next_plan = plan_of(place, run=run.path, slang=place / "more.yaml", count=16)
    assert len(next_plan.added.new) == DIALOGUES_PER_USE
    assert len(next_plan.added.known) == 108
    assert next_plan.asked.stages == ("corpus", "persona", "memory", "regenerate", "refresh")
    assert next_plan.seconds.keys() == {*next_plan.asked.stages}
    # Attacks that a judge chose are not compared with what a list of expressions chooses.
    summary = reader.read(AttackSummary)
    summary.model_copy(update={"counted": "judge"}).save(run.path / "synthetic")
    manifest = run.path / "manifest.json"
    stages = json.loads(manifest.read_text())
    del stages["stages"]["regenerate"]
    manifest.write_text(json.dumps(stages))
    again = plan_of(place, run=run.path, slang=place / "more.yaml", count=16)
    assert "earlier" in again.asked.stages


def cut(*_, **__):
    raise KeyboardInterrupt


def check_against_texts(run, found):
    """Numbers of the comparison, counted again from texts and trace."""
    rows = Attack.load_rows(run.path / "synthetic", command="")
    share = sum("skill issue" in one.text.lower() for one in rows) / len(rows)
    assert found.uses_after.value == pytest.approx(share)
    assert 0.2 < share < 0.8
    assert found.uses_before.value == 0
    (own,) = found.policies
    reports = [
        PressureReport.load(run.path / "refresh" / name, command="") for name in ("before", "after")
    ]
    assert [one.policies[0].measures.leak for one in reports] == [own.before, own.after]
    assert own.low < own.after.value - own.before.value < own.high
    turns = [Turn.model_validate(row) for row in json_lines(run.path / "refresh/after" / Turn.FILE)]
    posted = [one for one in turns if one.hostile and one.outcome in POSTED]
    new = [one for one in posted if "skill issue" in one.text.lower()]
    assert own.with_new.n >= len(new) > 100
    assert own.with_new.n + own.without_new.n == len(posted)
    # The list knows no new expression: what has one and no listed word is seen.
    seen = {one.text for one in new if one.outcome in SEEN}
    assert seen == {one.text for one in new if "clown" not in one.text.lower()}
    memory = {one.kind: one for one in found.memory}
    assert {kind: one.replies for kind, one in memory.items()}["new uses"] == 3
    assert sum(one.replies for kind, one in memory.items() if kind.startswith("old")) == 90 - 64
    for one in found.memory:
        assert one.low <= one.after - one.before <= one.high
    assert memory["new uses"].after < memory["new uses"].before
    page = (run.path / "refresh" / "refresh.md").read_text()
    assert "skill issue, cooked" in page
    assert not any(one.text in page for one in rows)
