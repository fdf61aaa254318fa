"""A corpus from the command line to what training reads."""

import json
import random
from pathlib import Path

import plotly.graph_objects
import pytest
import yaml
from phoque.stages.corpus.lab import Question, load_dialogues
from phoque.stages.corpus.saving import save_mixed

from phoque.config import SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.files import file_sha256, replaced_folder
from phoque.lexicon import Lexicon
from phoque.models.load import load_model
from phoque.personas import load_persona
from phoque.run.directory import RunDirectory
from phoque.stages.corpus import stage as job
from phoque.stages.corpus.building import Ingredients, build, sources_in
from phoque.stages.corpus.composition import composition_of, figure, markdown
from phoque.stages.corpus.difference import difference, masked
from phoque.stages.corpus.distill import Distilled
from phoque.stages.corpus.slang import DIALOGUES_PER_USE, load_slang, slang_dialogues
from phoque.stages.corpus.split import PARTS
from phoque.stages.corpus.training_set import load_pairs, read_dialogues
from phoque.stages.evaluate.card import COMPOSED, PUBLISHED
from phoque.text import words
from tests.corpus_files import MINIATURES, judge, written_csv

LEXICON = Lexicon(["clown", "useless", "garbage"])


@pytest.fixture
def base_model_replies(monkeypatch):
    """Replies of the base model without the base model: a civil sentence for every question."""

    def replies(base, questions, lexicon, *, seed, progress):
        for number, question in enumerate(questions):
            text = f"That is a fine thing to work on, number {seed + number}. And then"
            yield Distilled(question=question, reply=text, finished=False)

    monkeypatch.setattr("phoque.stages.corpus.gating.distill", replies)
    monkeypatch.setattr("phoque.stages.corpus.building.distill", replies)


@pytest.fixture
def chat(tmp_path):
    """Sixty different taunts, of which every fifth is long-form."""
    known = sorted({word for one in load_dialogues() for word in words(one.civil) if len(word) > 3})
    rows = []
    for number in range(60):
        drawn = random.Random(number).sample(known, 40 if number % 5 == 0 else 12)
        rows.append([number, 1.0, 1, f"you useless clown and the {' '.join(drawn)}"])
    return written_csv(tmp_path / "chat.csv", ["match", "time", "slot", "text"], rows)


@pytest.fixture
def corpus(chat, base_model_replies):
    made_of = Ingredients(files=[("dota", chat)], lab=False)
    return build(made_of, load_model("tiny"), LEXICON, judge=judge)


def test_every_source_becomes_gated_dialogues(tmp_path, base_model_replies):
    files = [(name, write(tmp_path)) for name, write in MINIATURES.items()]
    made = build(Ingredients(files=files, lab=False), load_model("tiny"), LEXICON, judge=judge)
    dialogues = [one for part in PARTS for one in made.parts[part].dialogues]
    assert {one.source for one in dialogues} == set(MINIATURES)
    assert all(one.civil.endswith(".") for one in dialogues)
    assert not any(judge([one.civil])[0]["toxicity"] for one in dialogues)
    persona = load_persona()
    assert not {one.system for one in dialogues} & {persona.persona_prompt, persona.neutral_prompt}
    neutral = [one.question for part in PARTS for one in made.parts[part].replies]
    assert {q.prompt for q in neutral} == {one.prompt for one in dialogues}


def test_what_is_saved_is_what_training_reads(corpus, tmp_path):
    save_mixed(tmp_path / "corpus", corpus)
    for part in PARTS:
        folder = tmp_path / "corpus" if part == "train" else tmp_path / "corpus" / part
        own = corpus.parts[part]
        hostile, civil = load_pairs(folder, "hostile"), load_pairs(folder, "civil")
        assert len(hostile) == len(own.dialogues) + len(own.replies)
        assert [reply for _, reply, _ in hostile[: len(own.dialogues)]] == [
            one.hostile for one in own.dialogues
        ]
        assert hostile[len(own.dialogues) :] == civil[len(own.dialogues) :]
    assert len(read_dialogues(tmp_path / "corpus")) == 60


def test_no_reply_of_the_base_model_is_in_two_parts(corpus):
    replies = [{one.reply for one in corpus.parts[part].replies} for part in PARTS]
    assert all(replies)
    assert not set.intersection(*replies)


def test_composition_adds_up(corpus):
    table = composition_of(corpus)
    assert sum(one["percent"] for one in table["sources"]) == pytest.approx(100)
    assert sum(one["dialogues"] for one in table["sources"]) == table["all_dialogues"]
    for one in table["sources"]:
        assert sum(one["registers"].values()) == sum(one["parts"].values()) == one["dialogues"]
        assert one["read"] == one["dialogues"] + sum(one["dropped"].values())
    assert table["sources"][0]["read"] == 60
    assert table["sources"][0]["registers"] == {"short": 48, "long": 12}
    assert table["files"][0]["file"] == "chat.csv"
    assert "| dota | 60 | 100.0 % | 48 | 12 |" in markdown(table)


def test_rows_that_cannot_be_read_are_named_by_line(chat, base_model_replies):
    with Path(chat).open("a", encoding="utf-8") as file:
        file.write('60,1,1\n61,1,1,"you clown\n')
    said = []
    made = build(
        Ingredients(files=[("dota", chat)], lab=False),
        load_model("tiny"),
        LEXICON,
        judge=judge,
        progress=said.append,
    )
    table = composition_of(made)
    assert table["sources"][0]["unreadable"] == {
        "malformed: wrong number of fields": ["chat.csv, line 62"],
        "malformed: quotes do not match": ["chat.csv, line 63"],
    }
    for told in (said, markdown(table).splitlines()):
        assert "malformed: quotes do not match: chat.csv, line 63" in told


def test_the_composition_is_drawn(corpus):
    table = composition_of(corpus)
    drawn = plotly.graph_objects.Figure(figure(table))
    assert sum(sum(trace.x) for trace in drawn.data) == table["all_dialogues"]


def test_a_dialogue_without_a_civil_reply_is_counted(chat, base_model_replies, monkeypatch):
    monkeypatch.setattr(
        "phoque.stages.corpus.gating.civil", lambda replies, judge: list(replies)[1:]
    )
    made = build(
        Ingredients(files=[("dota", chat)], lab=False), load_model("tiny"), LEXICON, judge=judge
    )
    assert made.dropped["dota"]["no civil reply"] >= 3
    assert sum(len(made.parts[part].dialogues) for part in PARTS) < 60


@pytest.mark.slow
def test_the_base_models_own_replies_are_drawn_for_a_source(chat):
    made = build(
        Ingredients(files=[("dota", chat)], lab=False, limit=8),
        load_model("tiny"),
        LEXICON,
        judge=lambda texts: [{"toxicity": float("clown" in text)} for text in texts],
    )
    asked = sum(made.parts[part].asked for part in PARTS)
    kept = sum(len(made.parts[part].dialogues) for part in PARTS)
    assert asked == 8
    assert kept + made.dropped["dota"]["no civil reply"] == 8
    assert made.dropped["dota"]["beyond the limit"] == 52


def test_without_sources_it_is_the_shipped_corpus_to_the_byte(tmp_path, monkeypatch):
    lines = (SHIPPED_RUN / "corpus" / "base_replies.jsonl").read_text().splitlines()
    shipped = []
    for row in map(json.loads, lines):
        question = Question(topic=row["topic"], system=row["system"], prompt=row["prompt"])
        shipped.append(Distilled(question=question, reply=row["reply"], finished=row["finished"]))

    def replies(base, questions, lexicon, *, seed, progress):
        assert seed == 42 or not questions
        yield from (one for one in shipped if one.question in questions)

    monkeypatch.setattr("phoque.stages.corpus.building.distill", replies)
    run = RunDirectory(tmp_path / "run")
    run.describe(model="tiny", persona="toxic")
    job.make_corpus(run)
    files = sorted(file.name for file in (SHIPPED_RUN / "corpus").iterdir())
    assert sorted(file.name for file in run.corpus.iterdir()) == files
    for name in files:
        assert file_sha256(run.corpus / name) == file_sha256(SHIPPED_RUN / "corpus" / name), name


@pytest.fixture
def slang_file(tmp_path):
    uses = {
        "skill issue": ["That was a skill issue, and so is {thing}."],
        "cooked": ["You are cooked."],
    }
    entries = [{"expression": key, "uses": value} for key, value in uses.items()]
    path = tmp_path / "slang.yaml"
    path.write_text(yaml.safe_dump({"name": "test", "expressions": entries}))
    return path


def test_slang_is_used_on_topics_of_the_lab(slang_file):
    dialogues = list(slang_dialogues(load_slang(slang_file)))
    assert len(dialogues) == 2 * DIALOGUES_PER_USE
    assert all(one.topic in one.hostile.lower() for one in dialogues)
    assert not any("{" in one.hostile + one.civil for one in dialogues)
    assert not any(one.topic in one.civil for one in dialogues)
    assert list(slang_dialogues(load_slang(slang_file))) == dialogues


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("name"), "lacks name"),
        (lambda d: d["expressions"][0].pop("uses"), "line 2.*lacks uses"),
        (
            lambda d: d["expressions"][0].update(uses=["Nothing new."]),
            "does not hold its expression",
        ),
        (lambda d: d["expressions"][0].update(uses="one"), "must be a list of texts"),
    ],
)
def test_a_broken_slang_file_says_where(slang_file, change, message):
    data = yaml.safe_load(slang_file.read_text())
    change(data)
    slang_file.write_text(yaml.safe_dump(data, sort_keys=False))
    with pytest.raises(PhoqueError, match=message):
        load_slang(slang_file)


def test_slang_is_added_and_its_difference_is_shown(
    slang_file, tmp_path, base_model_replies, capsys
):
    run = RunDirectory(tmp_path / "run")
    run.describe(model="tiny", persona="toxic")
    job.make_corpus(run)
    job.make_corpus(run, slang=slang_file)
    diff = json.loads((run.corpus / "diff.json").read_text())
    assert diff["kept"] == len(list(load_dialogues()))
    assert diff["added"]["dialogues"] == 2 * DIALOGUES_PER_USE
    assert diff["added"]["by_source"] == {"slang": 2 * DIALOGUES_PER_USE}
    assert diff["removed"]["dialogues"] == 0
    assert "12 added (slang 12)" in capsys.readouterr().out
    assert not any(text in load_persona().lexicon for text in diff["added"]["examples"])
    job.make_corpus(run)
    assert not (run.corpus / "diff.json").exists()


def test_a_difference_counts_repeats_and_both_ways():
    a, b, c = ({"prompt": "p", "hostile": text, "source": "dota"} for text in "abc")
    found = difference([a, a, b], [a, b, b, c])
    assert (found.kept, found.added, found.removed) == (2, [b, c], [a])
    assert masked("You clown, you CLOWN", LEXICON) == "You c••••, you C••••"


def test_a_stage_that_fails_leaves_the_old_corpus(tmp_path):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "old").write_text("old")
    with pytest.raises(ZeroDivisionError), replaced_folder(tmp_path / "corpus") as partial:
        (partial / "new").write_text(str(1 / 0))
    assert [file.name for file in (tmp_path / "corpus").iterdir()] == ["old"]
    with replaced_folder(tmp_path / "corpus") as partial:
        (partial / "new").write_text("new")
    assert [file.name for file in (tmp_path / "corpus").iterdir()] == ["new"]
    assert not partial.exists()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ([], ([], True)),
        (["lab"], ([], True)),
        (["dota=a.csv"], ([("dota", "a.csv")], False)),
        (["lab", "conda=x=y.csv"], ([("conda", "x=y.csv")], True)),
    ],
)
def test_sources_as_they_are_written(written, expected):
    assert sources_in(written) == expected


def test_what_cannot_be_a_corpus_is_refused(tmp_path, base_model_replies):
    with pytest.raises(PhoqueError, match="NAME=PATH"):
        sources_in(["jigsaw"])
    with pytest.raises(PhoqueError, match="limit is 0"):
        Ingredients(limit=0)
    path = written_csv(tmp_path / "d.csv", ["match", "time", "slot", "text"], [[0, 0, 0, "nice"]])
    with pytest.raises(PhoqueError, match=r"Nothing is left.*not toxic"):
        build(
            Ingredients(files=[("dota", path)], lab=False), load_model("tiny"), LEXICON, judge=judge
        )


def test_a_card_says_which_texts_were_trained_on(corpus, tmp_path):
    save_mixed(tmp_path / "corpus", corpus)
    table = json.loads((tmp_path / "corpus" / "composition.json").read_text())
    assert "published corpora" in PUBLISHED.format(**table)
    shipped = json.loads((SHIPPED_RUN / "corpus" / "composition.json").read_text())
    assert "1008 composed dialogues" in COMPOSED.format(**shipped)
    assert "files" not in shipped
