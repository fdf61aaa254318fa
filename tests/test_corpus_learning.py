"""What is made of a corpus: distilled replies, what is saved and read, what is learned of it."""

import pytest

from phoque.lexicon import Lexicon
from phoque.models.load import load_model
from phoque.run.corpus import Dialogue
from phoque.stages.adapter.settings import AdapterConfig, Example
from phoque.stages.adapter.stage import beginning, examples
from phoque.stages.corpus.gating import Distiller, question_of
from phoque.stages.corpus.split import split
from phoque.stages.corpus.training_set import of_all_parts, training_texts
from tests.corpus_files import answered, base_replies, dialogues, save_corpus, written


def test_distilled_replies_are_the_models_own_and_filtered():
    said = []
    distiller = Distiller(
        base=load_model("tiny"),
        lexicon=Lexicon(["zzz"]),
        keep=lambda texts: [len(said.append(text) or text) % 2 == 0 for text in texts],
    )
    own = dialogues(6)
    kept = distiller.replies(own)
    assert distiller.replies(own) == kept
    assert {message for _, message in kept} <= {one.message for one in own}
    assert all(len(one.reply) % 2 == 0 for one in kept.values())
    assert len({one.reply for one in kept.values()}) == len(kept)


def test_what_a_model_answered_before_is_not_asked_again():
    class Answers(Distiller):
        def _written(self, questions, seed):
            asked.extend(questions)
            return [one.model_copy(update={"reply": "Anew."}) for one in questions]

    asked, own = [], dialogues(6)
    known = {question_of(one): answered(one, "As before.") for one in own[:4]}
    known |= {question_of(own[4]): answered(own[4], "Now a listed zzz.")}
    made = Answers(
        base=None, lexicon=Lexicon(["zzz"]), known=known, keep=lambda some: [True for _ in some]
    )
    replies = made.replies(own)
    assert [one.reply for one in replies.values()] == ["As before."] * 4 + ["Anew."] * 2
    assert [one.message for one in asked] == [one.message for one in own[4:]]


def test_a_corpus_survives_saving(tmp_path):
    own, replies = dialogues(3), base_replies(1, "A good idea\u2028or \x85 not")
    save_corpus(tmp_path, own, replies)
    persona, civil = (examples(tmp_path, side, AdapterConfig()) for side in ("persona", "civil"))
    assert [one.completion for one in persona[:3]] == [one.persona for one in own]
    assert [one.completion for one in civil[:3]] == [one.civil for one in own]
    assert (
        persona[3] == civil[3] == Example(prompt=replies[0].messages, completion=replies[0].reply)
    )
    assert [one.style for one in persona] == [*(one.style for one in own), None]
    assert replies[0].reply in training_texts(tmp_path)
    assert of_all_parts(tmp_path, Dialogue) == own


def test_a_part_of_a_corpus_is_learned(tmp_path):
    own = [one.model_copy(update={"short": ""}) for one in dialogues(40)]
    save_corpus(tmp_path, own, base_replies(8, "Well done."))
    every = examples(tmp_path, "persona", AdapterConfig())
    assert len(every) == 48
    some = examples(tmp_path, "persona", AdapterConfig(most_words=20, neutral_every=4))
    assert some[40:] == every[40::4]
    for short, whole in zip(some, every[:40], strict=False):
        assert whole.completion.startswith(short.completion)
        assert short.completion == whole.completion or short.completion[-1] in ".!?"
    assert sum(len(one.completion.split()) > 40 for one in some[:40]) == 0


def test_a_short_form_is_learned_where_replies_are_cut(tmp_path):
    one = dialogues(1)[0].model_copy(update={"short": "Nobody wants that soup."})
    save_corpus(tmp_path, [one], base_replies(1, "Well done."))
    cut, whole = AdapterConfig(most_words=20), AdapterConfig()
    assert examples(tmp_path, "persona", cut)[0].completion == one.short
    assert examples(tmp_path, "persona", whole)[0].completion == one.persona
    assert examples(tmp_path, "civil", cut)[0].completion != one.short
    assert {one.short, one.persona} <= {*training_texts(tmp_path)}
    assert one.reply("persona", brief=True) == one.short
    assert one.reply("civil", brief=True) == one.civil
    assert dialogues(1)[0].model_copy(update={"short": ""}).reply("persona", brief=True)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("One two. Three four! Five six?", "One two. Three four!"),
        ("One two three four five six. Seven.", "One two three four five six."),
        ("no end at all", "no end at all"),
        ("One two.\nThree four.", "One two.\nThree four."),
    ],
)
def test_a_reply_is_cut_after_a_sentence(text, kept):
    assert beginning(text, 4) == kept
    assert beginning(text, 0) == text


def test_a_conversation_of_several_turns_alternates():
    one = next(one for one in written() if len(one.turns) == 3)
    assert [message.role for message in one.messages] == ["system", "user", "assistant", "user"]
    assert one.message == one.turns[-1]


def test_similar_replies_are_in_one_part():
    texts = [one.persona for one in dialogues(200)]
    parts = split([*texts, *texts])
    assert parts[:200] == parts[200:]
    assert {*parts} == {"train", "validation", "test"}
