"""`phoque run refresh`: new expressions into a persona that goes on, and policies before and after."""

import hashlib
import math
import random

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from phoque.cli.main import main
from phoque.errors import PhoqueError
from phoque.files import file_sha256, json_lines
from phoque.models.engine import Reply
from phoque.models.load import load_model
from phoque.pipeline.refresh import Wish, plan_refresh
from phoque.run.adapter import Metrics, PersonaMetrics
from phoque.run.corpus import Difference
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.pressure import POSTED, SEEN, PressureReport, Turn
from phoque.run.refresh import Refresh
from phoque.run.synthetic import Attack
from phoque.stages.adapter import Example, Recording, train_adapter
from phoque.stages.adapter.stage import train_persona
from phoque.stages.adapter.start import GENTLER, going_on
from phoque.stages.corpus.addition import FEWEST_REPLAYED, addition
from phoque.stages.corpus.placeholders import slurs
from phoque.stages.corpus.slang import DIALOGUES_PER_USE, read_slang
from phoque.stages.corpus.training_set import read_base_replies, read_dialogues
from phoque.stages.synthetic import regenerate as synthetic
from phoque.text import words
from tests.corpus_files import base_replies, dialogues, judge, save_corpus, written
from tests.gated_training import CONFIG, gated_examples
from tests.moderators import installed

WEIGHTS = "adapter_model.safetensors"
USES = {
    "skill issue": ["That was a skill issue, all of it.", "Skill issue, and the skill is yours."],
    "cooked": ["You are cooked, chef."],
}
POLICY = "name: listed\nmoderators:\n  - use: embedded.lexicon\nmute: 0\n"
KNOWN = sorted({word for one in written() for word in words(one.civil) if len(word) > 3})


def slang_file(path, uses=USES, **more):
    entries = [{"expression": key, "uses": own} for key, own in uses.items()]
    path.write_text(yaml.safe_dump({"name": "week 48", "expressions": entries} | more))
    return path


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """A run of the tiny model with a small corpus and a persona that was really trained."""
    run = RunDirectory(tmp_path_factory.mktemp("runs") / "old")
    run.describe(model="tiny", persona="toxic")
    with run.stage("corpus", run.corpus, seeds=[42]) as folder:
        save_corpus(folder, dialogues(90), base_replies(90))
    train_persona(run, save_steps=0)
    return run


@pytest.fixture
def place(old, tmp_path, monkeypatch):
    """A folder with a list, a policy and a copy of the run."""
    from shutil import copytree

    monkeypatch.chdir(tmp_path)
    copytree(old.path, "runs/old")
    slang_file(tmp_path / "new.yaml")
    (tmp_path / "policy.yaml").write_text(POLICY)
    return tmp_path


def contents(path):
    files = (file for file in path.rglob("*") if file.is_file())
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def plan_of(place, **more):
    wish = {"run": place / "runs/old", "slang": place / "new.yaml", "policies": ("policy.yaml",)}
    return plan_refresh(Wish(**(wish | more)))


# What is learned


def test_a_training_begins_with_the_weights_of_the_adapter_it_goes_on_from(old, tmp_path):
    base, seen = load_model("tiny"), {}

    def look(step):
        weights = {n: p for n, p in base.model.named_parameters() if "lora_" in n}
        seen[step] = {name: part.detach().clone() for name, part in weights.items()}

    config = going_on(CONFIG, old.persona)
    train_adapter(base, gated_examples()[:8], tmp_path, config, look, Recording(save_steps=0))
    known = load_file(old.persona / WEIGHTS)
    assert len(seen[0]) == len(known)
    for name, part in seen[0].items():
        key = f"base_model.model.{name.replace('.default', '')}"
        assert torch.equal(part.to(known[key].dtype), known[key]), key
    assert any(not torch.equal(seen[0][name], part) for name, part in seen[max(seen)].items())
    assert config.learning_rate == GENTLER * CONFIG.learning_rate
    assert (config.rank, config.alpha, config.epochs) == (16, 64, 2.0)


def test_it_goes_on_after_a_stop_and_not_from_another_adapter(old, tmp_path):
    config = going_on(CONFIG, old.persona)
    other = tmp_path / "other"
    train_adapter(load_model("tiny"), gated_examples()[:8], other, config)

    class Cut:
        """Ends a training in the middle."""

        def __init__(self, at):
            self.at = at

        def __call__(self, step):
            if step >= self.at:
                raise KeyboardInterrupt

        def save(self, folder):
            """Keeps nothing."""

        restore = save

    def train(folder, config, at):
        train_adapter(
            load_model("tiny"), gated_examples(), folder, config, Cut(at), Recording(save_steps=2)
        )

    train(tmp_path / "straight", config, math.inf)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "cut", config, 5)
    with pytest.raises(PhoqueError, match=r"of another training: start differ"):
        train(tmp_path / "cut", going_on(CONFIG, other), math.inf)
    train(tmp_path / "cut", config, math.inf)
    rows = Metrics.load_rows(tmp_path / "cut", command="")
    assert rows[-1].attempt == 2
    straight, own = (load_file(tmp_path / name / WEIGHTS) for name in ("straight", "cut"))
    assert all(torch.allclose(own[key], straight[key], atol=1e-3) for key in straight)


@pytest.mark.parametrize("change", ["fewer", "others", "larger"])
def test_an_adapter_of_another_model_is_refused(old, tmp_path, change):
    (tmp_path / "adapter_config.json").write_text((old.persona / "adapter_config.json").read_text())
    weights = load_file(old.persona / WEIGHTS)
    first = next(iter(weights))
    if change == "larger":
        weights[first] = torch.zeros(3, 3)
    else:
        part = weights.pop(first)
        weights |= {"base_model.model.elsewhere.lora_A.weight": part} if change == "others" else {}
    save_file(weights, tmp_path / WEIGHTS)
    example = Example(prompt=gated_examples()[0].prompt, completion="x")
    with pytest.raises(PhoqueError, match="does not fit this model"):
        train_adapter(load_model("tiny"), [example], tmp_path / "a", going_on(CONFIG, tmp_path))


def test_only_what_is_new_is_added_with_some_of_the_old(old, tmp_path):
    slang = read_slang(slang_file(tmp_path / "new.yaml"), judge)
    added = addition(old.corpus, slang, 1.0)
    assert len(added.new) == 3 * DIALOGUES_PER_USE
    assert len(added.replayed) == FEWEST_REPLAYED
    assert len(addition(old.corpus, slang, 4.0).replayed) == 12 * DIALOGUES_PER_USE
    assert len(addition(old.corpus, slang, 90.0).replayed) == 90
    assert addition(old.corpus, slang, 0.0).replayed == []
    known = read_dialogues(old.corpus)
    assert {*map(repr, added.replayed)} <= {*map(repr, known)}
    civil = {one.message: one.civil for one in known}
    for one in added.new:
        assert one.topic in one.persona.lower()
        assert one.civil == civil[one.message]
    asked = {one.message for one in added.dialogues}
    assert {one.message for one in added.replies} <= asked
    assert addition(old.corpus, slang, 1.0) == added


# The plan


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


# All of it


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
    said = " ".join(rng.sample(KNOWN, rng.choice((10, 22, 36, 60))))
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
