"""From friendly messages to the report, on the tiny model and doubles of moderators."""

import json
import shutil
from dataclasses import replace

import pytest

from phoque.config import SHIPPED_RUN
from phoque.conversation import Condition
from phoque.figures.figure import Figure, drawn, plan
from phoque.figures.page import stage_page
from phoque.figures.shelf import WHAT_SLIPS_THROUGH
from phoque.figures.table import Table
from phoque.moderators.datasheet import data_sheet
from phoque.moderators.labelled import Example, LabelledSet
from phoque.personas import load_persona, shipped_personas
from phoque.run.corpus import Dialogue
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.moderation import ModerationReport
from phoque.run.scored import ScoredReply
from phoque.stages.corpus.training_set import of_all_parts
from phoque.stages.moderation import messages
from phoque.stages.moderation.messages import CATEGORIES, prompts_by_category
from phoque.stages.moderation.scored import agreements, flags_of, moderate, outcomes_of, replies_of
from phoque.stages.moderation.stage import measure_moderators
from tests.corpus_files import written
from tests.moderators import Doubled, installed
from tests.ui import moderation_files

PROMPTS = {"general": ["What is a lighthouse?", "Hi?"], "greeting": ["Hello there.", "Hey."]}
CONDITIONS = (Condition.NEUTRAL, Condition.TOXIC, Condition.STEERED, Condition.RANDOM_VECTOR)
REPLY = "a reply that no report quotes"
LABELLED = LabelledSet(
    name="made up",
    means="long",
    sha256="0",
    examples=tuple(
        Example(text="x" * (2 * n), harmful=n >= 25, kind="k", cluster=str(n)) for n in range(50)
    ),
)


def moderators():
    first, second = Doubled(), Doubled(digest="other")
    second.info = replace(second.info, id="second")
    return [first, second]


def replies():
    civil, rude = "fine", REPLY + " x" * 30
    return {
        (condition, seed): [rude if condition is Condition.TOXIC else civil] * 4
        for condition in (Condition.NEUTRAL, Condition.TOXIC, Condition.STEERED)
        for seed in (42, 43)
    }


@pytest.fixture(scope="module")
def found():
    return moderate(replies(), PROMPTS, moderators())


@pytest.fixture(scope="module")
def sheets():
    return {one.info.id: data_sheet(one, LABELLED) for one in moderators()}


def test_every_reply_is_there_with_every_score(found):
    assert len(found) == 3 * 2 * 4
    first = found[0]
    assert (first.category, first.prompt) == ("general", "What is a lighthouse?")
    assert first.condition is Condition.NEUTRAL
    assert set(first.raw) == set(first.canonical) == {"double", "second"}
    assert set(first.labels) == {"double/toxicity", "second/toxicity"}


def test_rates_uplift_and_agreement_are_those_of_the_scores(found, sheets):
    one = flags_of(found, sheets)["double"]
    toxic = one.conditions[Condition.TOXIC]
    assert [at.rate.value for at in toxic.flagged] == [1.0, 1.0, 1.0]
    assert toxic.categories["greeting"].n == 4
    assert one.uplift[Condition.TOXIC][0].effect.value == 1.0
    assert one.uplift[Condition.STEERED][0].effect.value == 0.0
    # Only tests of the first mark are one family.
    adjusted = [at.mcnemar_holm for at in one.uplift[Condition.TOXIC]]
    assert adjusted == [pytest.approx(4 * one.uplift[Condition.TOXIC][0].mcnemar), None, None]
    assert agreements(found)["double / second"].kappa == 1
    assert outcomes_of(found)[Condition.NEUTRAL] == {"answer": 8, "refusal": 0, "degenerate": 0}


def test_the_page_quotes_no_reply():
    own, rows = moderation_files.report(), moderation_files.examples()
    page = stage_page("Moderation", WHAT_SLIPS_THROUGH, own, moderation_files.contour(), rows)
    assert page.count("\n## ") == len(WHAT_SLIPS_THROUGH)
    for one in (*moderation_files.moderated(), *rows):
        assert one.response not in page
    assert "none of 4 prompts differ (at most 49.0 %)" in page
    assert own.declared[0].blind_spots in page


def test_no_table_of_a_stage_page_is_cut():
    table = Table(caption="Rows", head=("row",), rows=tuple((str(n),) for n in range(90)))
    figure = Figure(sentence="Many.", table=table, n="90")

    @plan(key="many", title="Many")
    def draw(_: ModerationReport) -> Figure:
        return figure

    page = stage_page("Page", (draw,), moderation_files.report())
    assert "| 0 |" in page
    assert "| 89 |" in page


def test_the_lab_writes_every_condition_and_seed(lab):
    texts = [text for own in PROMPTS.values() for text in own]
    written = replies_of(lab, texts, (42, 43))
    assert set(written) == {(condition, seed) for condition in CONDITIONS for seed in (42, 43)}
    assert {len(own) for own in written.values()} == {4}
    assert written[Condition.NEUTRAL, 42] != written[Condition.STEERED, 42]
    compared = lab.compare(
        texts[0], control="random", seed=43, temperature=0.7, top_p=0.9, repetition_penalty=1
    )
    assert written[Condition.RANDOM_VECTOR, 43][0] == compared.steered.text


def test_the_messages_are_friendly_new_and_of_every_kind():
    own = prompts_by_category()
    assert tuple(own) == CATEGORIES
    messages = [text for texts in own.values() for text in texts]
    assert len(set(messages)) == len(messages) == 60
    known = {
        text
        for name in shipped_personas()
        for persona in [load_persona(name)]
        for text in (*persona.probes, *persona.sweep, *persona.evaluation)
    }
    trained = (
        *of_all_parts(SHIPPED_RUN / "corpus", Dialogue),
        *written("toxic"),
        *written("pluribus"),
    )
    known |= {turn for one in trained for turn in one.turns}
    assert known.isdisjoint(messages)
    lexicon = load_persona().lexicon
    assert [text for text in messages if text in lexicon] == []


@installed
@pytest.mark.slow
def test_the_stage_writes_every_file_and_a_reader_finds_them(tiny_run, tmp_path, monkeypatch):
    run = RunDirectory(shutil.copytree(tiny_run.path, tmp_path / "tiny"))
    run.corpus.mkdir()
    shutil.copy(SHIPPED_RUN / "corpus" / "dialogues.jsonl", run.corpus)
    monkeypatch.setattr(messages, "PROMPTS", tmp_path / "prompts.yaml")
    few = {kind: [f"A {kind} message, {n}." for n in range(2)] for kind in CATEGORIES}
    messages.PROMPTS.write_text(json.dumps(few))
    surge, hatecheck = tmp_path / "surge.csv", tmp_path / "hatecheck.csv"
    texts = [(f"you are a stupid idiot {n}", f"a kind word {n}") for n in range(30)]
    surge.write_text(
        "text,is_toxic\n" + "".join(f"{rude},Toxic\n{kind},Not\n" for rude, kind in texts)
    )
    hatecheck.write_text(
        "test_case,label_gold,functionality,templ_id\n"
        + "".join(f"{r},hateful,rude_h,{r}\n{k},no,kind_nh,{k}\n" for r, k in texts)
    )
    measure_moderators(
        run,
        seeds=(42,),
        classifier=("embedded.lexicon", "embedded.svm"),
        hatecheck_path=hatecheck,
        surge_path=surge,
    )
    reader = Reader(run, signed=True)
    assert len(reader.rows(ScoredReply)) == 4 * len(CATEGORIES) * 2
    assert {row.trained for row in reader.rows(ScoredReply)} == {False}
    for one in WHAT_SLIPS_THROUGH:
        assert drawn(one, reader).gap == "", one.key
    page = (run.path / "moderation" / "moderation_report.md").read_text()
    assert "SVM flags neutral" in page
