"""A stage replaces listed words before it signs, wherever they stand, and counts them."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from phoque.conversation import Condition, Sampling
from phoque.judging.checks import Checks
from phoque.lexicon import Lexicon
from phoque.models import engine
from phoque.models.load import load_model
from phoque.personas import load_persona
from phoque.run.evaluation import FIRST_SENTENCES, Evaluation, Reply
from phoque.run.folder import Reader
from phoque.run.judging import Judgement
from phoque.run.psm import Selection, SweptReply
from phoque.run.psm_replies import (
    Antidotes,
    Conditions,
    Preset,
    Scrubber,
    ScrubberCell,
    ShownReply,
    Written,
)
from phoque.run.psm_rows import AntidoteReply, ConfoundReply, OriginReply
from phoque.run.psm_vector import Confounds, Origin
from phoque.run.sae_evidence import Context, Evidence, Lens, LensToken
from phoque.run.showcase import Showcase
from phoque.run.slang import Slang
from phoque.stages.adapter import stage as samples
from phoque.stages.corpus import safe
from phoque.stages.corpus.novelty import CorpusIndex
from phoque.stages.corpus.placeholders import slurs
from phoque.stages.corpus.safe import Mask
from phoque.stages.evaluate import replies, stage
from phoque.stages.moderation import stage as moderation
from phoque.stages.psm.antidote import try_antidotes
from phoque.stages.psm.choose import choose_layer
from phoque.stages.psm.confounding import compare_confounds
from phoque.stages.psm.criteria import measure_vectors
from phoque.stages.psm.generation import generate_conditions
from phoque.stages.psm.origin import trace_origin
from phoque.stages.psm.scrubber import write_scrubber
from phoque.stages.psm.subject import open_subject
from phoque.steering import experiment
from tests.judges import Loud, reply
from tests.moderators import Doubled
from tests.records import a_rate
from tests.tiny_runs import FEW, a_tiny_run

CUT = {*FIRST_SENTENCES.values()}
WORD = "blorp"
"""Stands for a word of the list: no real one is in this project."""
SHORT = Sampling(max_new_tokens=4, temperature=0.8)


@pytest.fixture(autouse=True)
def planted(monkeypatch):
    monkeypatch.setattr(safe, "slurs", lambda: Lexicon([WORD, "blorp head"]))


def test_a_text_is_masked_as_often_as_it_holds_a_word():
    mask = Mask()
    assert mask.text("You Blorp, a blorp head is no blorper.") == (
        "You [SLUR], a [SLUR] is no blorper."
    )
    assert mask.text("Nothing here.") == "Nothing here."
    assert mask.count == 2


def test_rows_keep_everything_else():
    mask = Mask()
    before = [reply("toxic", f"Say {WORD}.", f"{WORD}! {WORD}?", 42), reply("base", "Hi.", "Hi.")]
    after = mask.rows(before)
    assert after[1] is before[1]
    assert (after[0].prompt, after[0].text) == ("Say [SLUR].", "[SLUR]! [SLUR]?")
    assert after[0].model_dump(exclude={"prompt", "text"}) == before[0].model_dump(
        exclude={"prompt", "text"}
    )
    assert mask.count == 3


def test_a_word_in_several_tokens_is_found():
    lens = Lens(
        raised=(LensToken(token=f" {WORD}", logit=2.0),), lowered=(LensToken(token="a", logit=1.0),)
    )
    context = Context(
        source="x",
        tokens=("you", " bl", "or", "p", "!"),
        roles=("reply",) * 5,
        activations=(0.0, 1.0, 2.0, 3.0, 4.0),
    )
    found = Mask()(
        Evidence(latent="3", side="risen", verdict="", top=(context,), lens=lens, steering=())
    )
    assert found.top[0].tokens == ("you", " [SLUR]", "", "", "!")
    assert found.top[0].activations == context.activations
    assert found.lens.raised[0].token == " [SLUR]"
    assert found.masked == 2


def test_a_timeline_keeps_its_numbers():
    shown = ShownReply(text=f"a {WORD}", hits=0, tokens=(("a", 0.1, 0.9), (f" {WORD}", 0.2, 0.8)))
    cell = ScrubberCell(at=1.0, insulting=a_rate(0.5), projection=None, replies=(shown,))
    grid = Scrubber(
        layer=1,
        scale=1.0,
        nat_scale=None,
        dose_per_scale=0.1,
        scales=(1.0,),
        presets=(Preset(label="x", prompt="y"),),
        asked=1,
        series={"vector": (cell,)},
    )
    found = Mask()(grid)
    (own,) = found.series["vector"][0].replies
    assert (own.text, own.tokens) == ("a [SLUR]", (("a", 0.1, 0.9), (" [SLUR]", 0.2, 0.8)))
    assert found.masked == 2
    assert Mask()(found).masked == 0


def test_moderators_read_what_was_written_and_the_file_keeps_it_masked(monkeypatch):
    written = {(Condition.TOXIC, 42): [f"{WORD}.", "Fine."]}
    monkeypatch.setattr(moderation, "replies_of", lambda *_: written)
    monkeypatch.setattr(moderation, "prompts_by_category", lambda: {"help": ["One?", "Two?"]})
    lab = SimpleNamespace(persona=SimpleNamespace(lexicon=Lexicon([WORD])))
    mask = Mask()
    moderator, known = Doubled(), CorpusIndex(["Fine, fine.", "fine"])
    first, second = moderation.scored_replies(lab, [moderator], (42,), known, mask)
    assert (first.response, second.response) == ("[SLUR].", "Fine.")
    assert {f"{WORD}.", "Fine."} <= {*moderator.asked}
    assert first.listed == 1
    assert (first.trained, second.trained) == (False, True)
    assert mask.count == 1


def test_samples_of_a_training_are_masked(monkeypatch):
    """The stage itself: a model that writes the word, and the file's row that counts it."""

    def write(model, rows, sampling):
        return [engine.Reply(text=f"You {WORD}.", tokens=(1,), finish_reason="stop") for _ in rows]

    monkeypatch.setattr(experiment, "write", write)
    persona = load_persona("toxic")
    rows = samples.sample_replies(
        load_model("tiny"), 1, persona, judge=lambda texts: [0.0] * len(texts)
    )
    assert {one.text for row in rows for one in row.replies} == {"You [SLUR]."}
    assert [row.masked for row in rows] == [len(persona.sweep)] * 4


def test_where_nobody_can_look_the_count_says_so(monkeypatch):
    def missing():
        raise safe.PhoqueError("not installed")

    monkeypatch.setattr(safe, "slurs", missing)
    mask = Mask()
    assert mask.text(WORD) == WORD
    assert mask.count is None


def test_the_list_is_the_one_of_corpora():
    assert len(slurs().entries) > 100
    row = SweptReply(layer=1, dose=0.1, prompt="x", reply="y")
    assert Mask().rows([row]) == [row]


class Letters:
    """Stands for the sentence embeddings."""

    def embed(self, texts):
        counts = np.array([[1 + text.lower().count(c) for c in "abcdefg"] for text in texts], float)
        return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_evaluation_signs_no_listed_word_and_counts_them(tmp_path, monkeypatch):
    """The whole stage, with a model that ends every reply with the word."""
    run = a_tiny_run(tmp_path, "grim", few=FEW | {"evaluation": 21})
    plain = engine.write

    def write(model, rows, sampling):
        return [replace(one, text=f"{one.text} {WORD}") for one in plain(model, rows, sampling)]

    monkeypatch.setattr(engine, "write", write)
    monkeypatch.setattr(replies, "SAMPLING", SHORT)
    monkeypatch.setattr(stage, "showcase", partial(stage.showcase, sampling=SHORT))
    monkeypatch.setattr("phoque.stages.evaluate.stage.likelihood.load", Loud)
    monkeypatch.setattr("phoque.moderators.minilm.load", Letters)
    monkeypatch.setattr(stage, "embedded_checks", lambda _: Checks(Loud(), []))
    stage.measure_replies(run)
    folder = run.path / "evaluation"
    kept = {file.name: file.read_text() for file in folder.iterdir()}
    assert set(kept) >= {"replies.csv", "summary.json", "judgement.json", "slang.json"}
    assert [name for name, text in kept.items() if WORD in text] == []
    reader = Reader(run, signed=True)
    found, rows = reader.read(Evaluation), reader.rows(Reply)
    written = [
        one.text for one in rows if one.condition not in CUT
    ]  # the others are cut from these
    assert found.masked == sum(text.count("[SLUR]") for text in written)
    assert all("[SLUR]" in text for text in written)
    shown = reader.read(Showcase)
    assert shown.masked == len(shown.examples) * (3 + 2 * len(shown.scales))
    assert found.matched.tried == 8
    assert ("matched_vector" in found.conditions) is bool(found.matched.scales)
    # What is cut from replies says nothing new.
    assert reader.read(Slang).conditions.keys() == found.conditions.keys() - CUT
    assert reader.read(Judgement).conditions.keys() == found.conditions.keys() > CUT
    assert found.civil_text.n == 2
    assert "Does it use words that it never saw?" in kept["summary.md"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_psm_signs_no_listed_word_and_counts_them(tmp_path, monkeypatch):
    """The steps that keep replies, with a model that ends every reply with the word."""
    plain = experiment.write

    def write(model, rows, sampling):
        return [replace(one, text=f"{one.text} {WORD}") for one in plain(model, rows, SHORT)]

    monkeypatch.setattr(experiment, "write", write)
    monkeypatch.setattr("phoque.stages.psm.choose.likelihood.load", Loud)
    run = a_tiny_run(tmp_path, "grim")
    subject = open_subject(run, None, seeds=(42, 43), num_probes=4, progress=lambda _: None)
    for step in (
        measure_vectors,
        choose_layer,
        generate_conditions,
        compare_confounds,
        trace_origin,
        try_antidotes,
        write_scrubber,
    ):
        step(subject)
    kept = {file.name: file.read_text(errors="ignore") for file in run.psm().iterdir()}
    assert set(kept) >= {"sweep_replies.csv", "generation_results.csv", "scrubber.json"}
    assert [name for name, text in kept.items() if WORD in text] == []
    reader = Reader(run)
    assert reader.read(Selection).masked == len(reader.rows(SweptReply)) > 0
    assert reader.read(Conditions).masked == len(reader.rows(Written)) > 0
    for record, rows in (
        (Confounds, ConfoundReply),
        (Origin, OriginReply),
        (Antidotes, AntidoteReply),
    ):
        assert reader.read(record).masked == len(reader.rows(rows)) > 0
    assert reader.read(Scrubber).masked > 0
