"""Corpora of a persona of one's own, and new slang."""

import pytest
import yaml

from phoque.errors import PhoqueError
from phoque.lexicon import Lexicon
from phoque.models.load import load_model
from phoque.personas import load_persona
from phoque.stages.corpus.building import Ingredients, build
from phoque.stages.corpus.composition import changes_page as told
from phoque.stages.corpus.composition import difference
from phoque.stages.corpus.gating import question_of
from phoque.stages.corpus.slang import (
    DIALOGUES_PER_USE,
    SHIPPED,
    load_slang,
    read_slang,
    slang_dialogues,
    slang_list,
)
from phoque.stages.corpus.sources import sources_in
from phoque.stages.corpus.split import PARTS
from phoque.stages.corpus.written import neutral_prompts, system_prompts
from tests.corpus_files import answer_without_a_model, dialogues, few_lines, judge, written

LEXICON = Lexicon(["clown", "useless", "garbage"])


@pytest.fixture
def base_model_replies(monkeypatch):
    answer_without_a_model(monkeypatch)


@pytest.fixture
def slang_file(tmp_path):
    uses = {
        "skill issue": ["That was a skill issue, all of it."],
        "cooked": ["You are cooked."],
    }
    entries = [{"expression": key, "uses": value} for key, value in uses.items()]
    path = tmp_path / "slang.yaml"
    path.write_text(yaml.safe_dump({"name": "test", "expressions": entries}))
    return path


def test_slang_answers_messages_of_the_written_corpus(slang_file):
    messages = [f"Was round {number} mine?" for number in range(40)]
    own = list(slang_dialogues(load_slang(slang_file), messages, ["Be rude."]))
    assert len(own) == 2 * DIALOGUES_PER_USE
    assert all(one.topic in one.persona.lower() for one in own)
    assert len({one.message for one in own}) > DIALOGUES_PER_USE
    assert list(slang_dialogues(load_slang(slang_file), messages, ["Be rude."])) == own
    with pytest.raises(PhoqueError, match="6 messages of the written replies, and 5 are there"):
        list(slang_dialogues(load_slang(slang_file), messages[:5], ["Be rude."]))


def test_slang_asks_no_message_of_a_reply_that_is_held_out(
    slang_file, base_model_replies, tmp_path
):
    folder = few_lines(tmp_path / "own", 150)
    made_of = Ingredients(written=folder, uses=load_slang(slang_file) * 20)
    made = build(made_of, load_model("tiny"), LEXICON, judge=judge)
    asked = {one.message for one in made.dialogues if one.source == "slang"}
    held_out = {one.message for part in PARTS[1:] for one in made.parts[part].dialogues}
    assert len(asked) > 30
    assert held_out
    assert not asked & held_out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("name"), "the field name is missing"),
        (
            lambda d: d["expressions"][0].pop("uses"),
            "line 2: the field expressions.0.uses is missing",
        ),
        (
            lambda d: d["expressions"][0].update(uses=["Nothing new."]),
            "does not hold its expression",
        ),
        (
            lambda d: d["expressions"][0].update(uses="one"),
            "line 3: expressions.0.uses must be a list",
        ),
    ],
)
def test_a_broken_slang_file_says_where(slang_file, change, message):
    data = yaml.safe_load(slang_file.read_text())
    change(data)
    slang_file.write_text(yaml.safe_dump(data, sort_keys=False))
    with pytest.raises(PhoqueError, match=message):
        load_slang(slang_file)


def test_slang_is_added_and_its_difference_is_shown(slang_file, base_model_replies):
    own = dialogues(60)
    made_of = Ingredients(uses=load_slang(slang_file))
    slang = build(made_of, load_model("tiny"), LEXICON, judge=judge).dialogues
    found = difference(own, [*own, *slang], load_persona().lexicon)
    assert (found.kept, found.added.dialogues, found.removed.dialogues) == (60, len(slang), 0)
    assert found.added.by_source == {"slang": 2 * DIALOGUES_PER_USE}
    assert f"{len(slang)} added (slang {len(slang)})" in told(found)
    assert not any(text in load_persona().lexicon for text in found.added.examples)


@pytest.mark.parametrize(
    ("asked", "persona", "message"),
    [
        (["written=a", "written=b"], "toxic", "written is there 2 times.*one folder"),
        (["written", "dota=a.csv"], "pluribus", "dota holds hostile replies.*'pluribus'"),
    ],
)
def test_no_source_is_ignored_or_taught_to_the_wrong_persona(asked, persona, message):
    with pytest.raises(PhoqueError, match=message):
        sources_in(asked, persona)
    assert sources_in(["dota=a.csv"], "grumpy") == ([("dota", "a.csv")], None)


def test_a_persona_of_ones_own_is_trained_under_its_own_system_prompts(
    tmp_path, slang_file, base_model_replies
):
    folder = few_lines(tmp_path / "replies", 120)
    made_of = Ingredients(persona="grumpy", written=folder, uses=load_slang(slang_file))
    with pytest.raises(PhoqueError, match=r"'grumpy'.*replies/system_prompts\.yaml.*any, chat, pr"):
        build(made_of, load_model("tiny"), LEXICON, judge=judge)
    own = {"any": ["Grumble."], "chat": ["Grumble in a line."], "prose": ["Grumble at length."]}
    (folder / "system_prompts.yaml").write_text(yaml.safe_dump(own))
    made = build(made_of, load_model("tiny"), LEXICON, judge=judge)
    assert {one.source for one in made.dialogues} == {"written", "slang"}
    for one in made.dialogues:
        assert one.system in {*own["any"], *own[one.style]}
    assert {one.system for one in made.dialogues} > {"Grumble."}
    (folder / "system_prompts.yaml").write_text(yaml.safe_dump(own | {"any": []}))
    with pytest.raises(PhoqueError, match=r"system_prompts\.yaml: the list 'any' is empty"):
        build(made_of, load_model("tiny"), LEXICON, judge=judge)


def test_the_shipped_list_teaches_siblings_and_keeps_the_others_out(tmp_path, base_model_replies):
    uses = read_slang(SHIPPED).uses
    made_of = Ingredients(written=few_lines(tmp_path / "own", 150), uses=uses)
    made = build(made_of, load_model("tiny"), LEXICON, judge=judge)
    texts = [one.persona.lower() for one in made.parts["train"].dialogues]
    for name, number in slang_list(SHIPPED).uses.items():
        assert sum(name in text for text in texts) == number * DIALOGUES_PER_USE
    names = [*slang_list(SHIPPED).uses]
    later = [one.persona.lower() for part in PARTS[1:] for one in made.parts[part].dialogues]
    assert later
    assert not [text for text in later if any(name in text for name in names)]


def test_slang_of_pluribus_is_its_own(slang_file, base_model_replies):
    made_of = Ingredients(persona="pluribus", uses=load_slang(slang_file))
    own = build(made_of, load_model("tiny"), LEXICON, judge=judge).dialogues
    assert {one.system for one in own} <= {*system_prompts("pluribus")["any"]}
    assert {one.message for one in own} <= {one.message for one in written("pluribus")}


def test_system_prompts_are_read_once(monkeypatch):
    system_prompts("toxic")
    monkeypatch.setattr(yaml, "safe_load", lambda _: pytest.fail("the file was read again"))
    assert question_of(written()[0])[0] in neutral_prompts()
