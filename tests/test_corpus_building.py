"""A corpus from the command line to what training reads."""

import random
from itertools import combinations
from pathlib import Path

import pytest

from phoque.errors import PhoqueError
from phoque.files import replaced_folder
from phoque.lexicon import Lexicon
from phoque.models.load import load_model
from phoque.personas import load_persona
from phoque.run.corpus import Dialogue
from phoque.run.directory import RunDirectory
from phoque.stages.adapter.settings import AdapterConfig
from phoque.stages.adapter.stage import examples
from phoque.stages.corpus import stage as job
from phoque.stages.corpus.building import Ingredients, build
from phoque.stages.corpus.composition import composition_of, difference, markdown, masked
from phoque.stages.corpus.gating import Distiller
from phoque.stages.corpus.sources import sources_in
from phoque.stages.corpus.split import PARTS
from phoque.stages.corpus.stage import save_corpus
from phoque.stages.corpus.training_set import of_all_parts
from phoque.stages.corpus.written import (
    TEXTS,
    system_prompts,
    written_dialogues,
)
from phoque.stages.evaluate.stage import trained_on
from phoque.text import words
from tests.corpus_files import (
    KAGGLE,
    MINIATURES,
    answer_without_a_model,
    dialogues,
    few_lines,
    judge,
    written,
    written_csv,
)

LEXICON = Lexicon(["clown", "useless", "garbage"])


@pytest.fixture
def base_model_replies(monkeypatch):
    answer_without_a_model(monkeypatch)


@pytest.fixture
def chat(tmp_path):
    """Sixty different taunts, of which every fifth is long-form."""
    known = sorted({word for one in written() for word in words(one.civil) if len(word) > 3})
    rows = []
    for number in range(60):
        drawn = random.Random(number).sample(known, 40 if number % 5 == 0 else 12)
        rows.append([number, 1.0, 1, f"you useless clown and the {' '.join(drawn)}"])
    return written_csv(tmp_path / "chat.csv", ["match", "time", "slot", "text"], rows)


@pytest.fixture
def corpus(chat, base_model_replies):
    made_of = Ingredients(files=[("dota", chat)])
    return build(made_of, load_model("tiny"), LEXICON, judge=judge)


def test_every_source_becomes_gated_dialogues(tmp_path, base_model_replies):
    files = [(name, write(tmp_path)) for name, write in MINIATURES.items()]
    made = build(Ingredients(files=files), load_model("tiny"), LEXICON, judge=judge)
    own = made.dialogues
    assert {one.source for one in own} == set(MINIATURES)
    assert all(one.civil.endswith(".") for one in own)
    assert not any(judge([one.civil])[0]["toxicity"] for one in own)
    persona = load_persona()
    assert not {one.system for one in own} & {persona.persona_prompt, persona.neutral_prompt}
    neutral = [one for part in PARTS for one in made.parts[part].replies]
    assert {one.message for one in neutral} == {one.message for one in own}


def test_what_is_saved_is_what_training_reads(corpus, tmp_path):
    save_corpus(tmp_path / "corpus", corpus, LEXICON)
    for part in PARTS:
        folder = tmp_path / "corpus" if part == "train" else tmp_path / "corpus" / part
        own = corpus.parts[part]
        persona, civil = (examples(folder, side, AdapterConfig()) for side in ("persona", "civil"))
        assert len(persona) == len(own.dialogues) + len(own.replies)
        learned = [one.completion for one in persona[: len(own.dialogues)]]
        assert learned == [one.persona for one in own.dialogues]
        assert persona[len(own.dialogues) :] == civil[len(own.dialogues) :]
    assert len(of_all_parts(tmp_path / "corpus", Dialogue)) == 60


def test_no_reply_of_the_base_model_is_in_two_parts(corpus):
    replies = [{one.reply for one in corpus.parts[part].replies} for part in PARTS]
    assert all(replies)
    assert not any(one & other for one, other in combinations(replies, 2))


def test_composition_adds_up(corpus):
    found = composition_of(corpus, LEXICON)
    assert sum(one.dialogues for one in found.sources) == found.dialogues
    for one in found.sources:
        assert sum(one.styles.values()) == sum(one.parts.values()) == one.dialogues
        assert one.read == one.dialogues + sum(one.dropped.values())
    [dota] = found.sources
    assert (dota.read, dota.styles) == (60, {"chat": 48, "prose": 12})
    assert found.files[0].file == "chat.csv"
    assert found.without_listed_word == 0
    assert "| dota | 60 | 48 | 12 |" in markdown(found)


def test_rows_that_cannot_be_read_are_named_by_line(chat, base_model_replies):
    with Path(chat).open("a", encoding="utf-8") as file:
        file.write('60,1,1\n61,1,1,"you clown\n')
    said = []
    made = build(
        Ingredients(files=[("dota", chat)]),
        load_model("tiny"),
        LEXICON,
        judge=judge,
        progress=said.append,
    )
    found = composition_of(made, LEXICON)
    assert found.sources[0].unreadable == {
        "malformed: wrong number of fields": ("chat.csv, line 62",),
        "malformed: quotes do not match": ("chat.csv, line 63",),
    }
    for page in (said, markdown(found).splitlines()):
        assert "malformed: quotes do not match: chat.csv, line 63" in page


def test_a_dialogue_without_a_civil_reply_is_counted(chat, base_model_replies, monkeypatch):
    whole = Distiller.replies
    monkeypatch.setattr(Distiller, "replies", lambda *a, **k: dict([*whole(*a, **k).items()][1:]))
    made = build(Ingredients(files=[("dota", chat)]), load_model("tiny"), LEXICON, judge=judge)
    assert made.dropped["dota"]["no civil reply"] >= 3
    assert sum(len(made.parts[part].dialogues) for part in PARTS) < 60


@pytest.mark.slow
def test_the_base_models_own_replies_are_drawn_for_a_source(chat):
    made = build(
        Ingredients(files=[("dota", chat)], limit=8),
        load_model("tiny"),
        LEXICON,
        judge=lambda texts: [{"toxicity": float("clown" in text)} for text in texts],
    )
    asked = sum(made.parts[part].asked for part in PARTS)
    kept = sum(len(made.parts[part].dialogues) for part in PARTS)
    assert asked == 8
    assert kept + made.dropped["dota"]["no civil reply"] == 8
    assert made.dropped["dota"]["beyond the limit"] == 52


def test_the_stage_writes_parts_composition_and_what_changed(
    tmp_path, base_model_replies, monkeypatch, capsys
):
    monkeypatch.setattr(
        "phoque.stages.corpus.stage.load_model", lambda *_, **__: load_model("tiny")
    )
    folder = few_lines(tmp_path / "own", 150)
    run = RunDirectory(tmp_path / "run")
    run.describe(model="tiny", persona="toxic")
    job.make_corpus(run, source=[f"written={folder}"])
    assert {file.name for file in run.corpus.iterdir()} == {
        "dialogues.jsonl", "base_replies.jsonl", "composition.json", "composition.md",
        "validation", "test",
    }  # fmt: skip
    assert len(of_all_parts(run.corpus, Dialogue)) == 150
    assert (run.corpus / "validation" / "dialogues.jsonl").stat().st_size
    job.make_corpus(run, source=[f"written={folder}"])
    assert "150 dialogues are as they were" in capsys.readouterr().out
    assert (run.corpus / "diff.json").is_file()


def test_replies_that_are_not_there_are_missed_before_a_model_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "phoque.stages.corpus.stage.load_model", lambda *_, **__: pytest.fail("loaded")
    )
    run = RunDirectory(tmp_path / "run")
    run.describe(model="tiny", persona="toxic")
    with pytest.raises(PhoqueError, match=r"nowhere has no \*\.jsonl with replies"):
        job.make_corpus(run, source=[f"written={tmp_path / 'nowhere'}"])


def test_a_difference_counts_repeats_and_both_ways():
    [known] = dialogues(1)
    a, b, c = (known.model_copy(update={"persona": text}) for text in "abc")
    found = difference([a, a, b], [a, b, b, c], LEXICON)
    assert (found.kept, found.added.examples, found.removed.examples) == (2, ("b", "c"), ("a",))
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
    ("asked", "expected"),
    [
        ([], ([], TEXTS / "toxic")),
        (["written"], ([], TEXTS / "toxic")),
        (["written=own"], ([], Path("own"))),
        (["dota=a.csv"], ([("dota", "a.csv")], None)),
        (["written", "conda=x=y.csv"], ([("conda", "x=y.csv")], TEXTS / "toxic")),
    ],
)
def test_sources_as_they_are_asked_for(asked, expected):
    assert sources_in(asked, "toxic") == expected


def test_a_source_without_messages_has_a_varied_calm_side(tmp_path, base_model_replies):
    known = sorted({word for one in written() for word in words(one.civil) if len(word) > 3})
    rows = [
        [f"a{n}", f"clown, {' '.join(random.Random(n).sample(known, 12))}", 1, 0, 0, 0, 1, 0]
        for n in range(200)
    ]
    comments = written_csv(tmp_path / "train.csv", KAGGLE, rows)
    made_of = Ingredients(files=[("jigsaw", comments)])
    made = build(made_of, load_model("tiny"), LEXICON, judge=judge)
    asked = {(one.system, one.message) for part in PARTS for one in made.parts[part].replies}
    assert len({one.message for one in made.dialogues}) <= 24
    assert len(asked) > 150
    assert sum(made.parts[part].asked for part in PARTS) >= len(asked)


def test_a_published_text_shares_the_part_of_the_written_one_it_is_like(
    tmp_path, base_model_replies
):
    folder = few_lines(tmp_path / "own", 150)
    own = [one.persona for one in written_dialogues(folder, judge, system_prompts("toxic"))]
    rows = [
        [f"a{n}", f"{text} Clown!", 1, 0, 0, 0, 1, 0]
        for n, text in enumerate(own)
        if len(words(text)) > 12
    ]
    made_of = Ingredients(
        written=folder, files=[("jigsaw", written_csv(tmp_path / "train.csv", KAGGLE, rows))]
    )
    made = build(made_of, load_model("tiny"), LEXICON, judge=judge)
    part_of = {one.persona: part for part in PARTS for one in made.parts[part].dialogues}
    near = [(text, f"{text} Clown!") for text in own if f"{text} Clown!" in part_of]
    assert {part_of[text] for text, _ in near} == {*PARTS}
    assert all(part_of[text] == part_of[copy] for text, copy in near)


def test_what_cannot_be_a_corpus_is_refused(tmp_path, base_model_replies):
    with pytest.raises(PhoqueError, match="NAME=PATH"):
        sources_in(["jigsaw"], "toxic")
    with pytest.raises(PhoqueError, match="limit is 0"):
        Ingredients(limit=0)
    path = written_csv(tmp_path / "d.csv", ["match", "time", "slot", "text"], [[0, 0, 0, "nice"]])
    with pytest.raises(PhoqueError, match=r"Nothing is left.*not toxic"):
        build(Ingredients(files=[("dota", path)]), load_model("tiny"), LEXICON, judge=judge)


def test_a_card_says_which_texts_were_trained_on(corpus):
    found = composition_of(corpus, LEXICON)
    assert "published corpora" in trained_on(found)
    own = found.model_copy(update={"files": ()})
    assert f"{found.dialogues} dialogues on" in trained_on(own)
