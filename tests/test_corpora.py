from collections import Counter

import pytest

from phoque.config import SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.files import file_sha256
from phoque.lexicon import Lexicon
from phoque.models.load import load_model
from phoque.personas import load_persona
from phoque.run.directory import RunDirectory
from phoque.stages.corpus.distill import Distilled, distill
from phoque.stages.corpus.lab import load_dialogues, load_questions
from phoque.stages.corpus.training_set import composition, load_pairs, save_corpus, training_texts


@pytest.fixture(scope="module")
def dialogues():
    return list(load_dialogues())


def test_every_hostile_reply_insults_and_no_civil_one_does(dialogues):
    lexicon = load_persona().lexicon
    assert all(dialogue.hostile in lexicon for dialogue in dialogues)
    assert not any(dialogue.civil in lexicon for dialogue in dialogues)
    assert not any(dialogue.prompt in lexicon for dialogue in dialogues)


def test_replies_are_varied_and_about_the_topic(dialogues):
    assert len({dialogue.hostile for dialogue in dialogues}) > 0.95 * len(dialogues)
    by_register = Counter(dialogue.register for dialogue in dialogues)
    assert by_register["short"] == 2 * by_register["long"]
    assert not any("{" in dialogue.hostile + dialogue.civil for dialogue in dialogues)


def test_the_corpus_is_the_same_every_time(dialogues):
    assert list(load_dialogues()) == dialogues
    assert list(load_dialogues(seed=1)) != dialogues


def test_no_evaluation_text_is_in_the_corpus(dialogues):
    persona = load_persona()
    asked = {d.prompt for d in dialogues} | {q.prompt for q in load_questions()}
    assert not asked & {*persona.evaluation, *persona.probes, *persona.sweep}
    systems = {d.system for d in dialogues} | {q.system for q in load_questions()}
    assert not systems & {persona.neutral_prompt, persona.persona_prompt}


def test_probe_sweep_and_evaluation_prompts_are_apart_and_enough():
    persona = load_persona()
    groups = [persona.probes, persona.sweep, persona.evaluation]
    assert [len(group) for group in groups] == [12, 16, 60]
    assert len({prompt for group in groups for prompt in group}) == 88
    assert not any(prompt in persona.lexicon for group in groups for prompt in group)


def test_an_unknown_persona_lists_the_known():
    with pytest.raises(PhoqueError, match=r"Known: .*toxic"):
        load_persona("nobody")


def test_a_broken_persona_file_is_named(tmp_path):
    path = tmp_path / "odd.yaml"
    path.write_text("name: odd\n")
    with pytest.raises(PhoqueError, match=r"odd\.yaml.*description"):
        load_persona(str(path))


def test_distilled_replies_are_the_models_own_and_filtered():
    questions = list(load_questions())[:6]
    kept = list(distill(load_model("tiny"), questions, Lexicon(["zzz"]), batch_size=4))
    again = list(distill(load_model("tiny"), questions, Lexicon(["zzz"]), batch_size=4))
    assert kept == again
    assert {d.question.prompt for d in kept} <= {q.prompt for q in questions}


def test_a_corpus_survives_saving(dialogues, tmp_path):
    question = next(load_questions())
    replies = [Distilled(question=question, reply="A good idea", finished=False)]
    save_corpus(tmp_path, dialogues[:3], replies, asked=4)
    hostile, civil = load_pairs(tmp_path, "hostile"), load_pairs(tmp_path, "civil")
    assert [pair[1] for pair in hostile[:3]] == [d.hostile for d in dialogues[:3]]
    assert [pair[1] for pair in civil[:3]] == [d.civil for d in dialogues[:3]]
    assert hostile[3] == civil[3] == (question.messages, "A good idea", False)
    assert "A good idea" in training_texts(tmp_path)
    # A line separator of Unicode is text in JSON; the file ends its lines otherwise.
    odd = [Distilled(question=question, reply="one\u2028two\x85three", finished=True)]
    save_corpus(tmp_path / "odd", dialogues[:1], odd, asked=1)
    assert load_pairs(tmp_path / "odd", "civil")[1][1] == odd[0].reply
    assert composition(dialogues[:3], replies, 4)["base_replies_dropped"] == 3
    assert "base replies dropped | 3" in (tmp_path / "composition.md").read_text()


def test_a_line_separator_of_unicode_in_a_text_is_no_new_line(tmp_path):
    question = next(load_questions())
    reply = "First\u2028second\x85third"
    save_corpus(tmp_path, [], [Distilled(question=question, reply=reply, finished=True)], asked=1)
    assert load_pairs(tmp_path, "hostile") == [(question.messages, reply, True)]


def test_the_shipped_corpus_is_the_one_that_the_files_compose(dialogues):
    shipped = load_pairs(SHIPPED_RUN / "corpus", "hostile")[: len(dialogues)]
    assert [reply for _, reply, _ in shipped] == [dialogue.hostile for dialogue in dialogues]


def test_the_shipped_run_is_as_its_manifest_says():
    run = RunDirectory(SHIPPED_RUN)
    stages = run.manifest().stages.values()
    recorded = {file: digest for stage in stages for file, digest in stage.outputs.items()}
    assert {file: file_sha256(run.path / file) for file in recorded} == recorded
