"""The moderation tab without a browser: what it says, what it escapes, what it does without files."""

import html
import json

import pytest

from phoque.config import SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.figures import figure as figures
from phoque.figures.gap import READERS
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.labels import Label, verdicts
from phoque.run.moderation import ModerationReport
from phoque.run.scored import Contour, GapExample, ScoredReply, Stratum, sample
from phoque.stages.moderation.gap import gap_type
from phoque.text import text_id
from phoque.ui.moderation import sentence
from phoque.ui.moderation.examples import chosen
from phoque.ui.moderation.wording import TRY_UNREAD
from phoque.ui.results import rendered
from phoque.ui.tabs.moderation import SECTIONS as MODERATION
from phoque.ui.tabs.moderation import scored
from tests.moderators import installed
from tests.ui import moderation_files
from tests.ui.fakes import INJECTION

plotly = pytest.importorskip("plotly.graph_objects")
SECTIONS = {section.plan.key: section for section in MODERATION}
SHIPPED = Reader(RunDirectory(SHIPPED_RUN))
GAP = "ph-reading ph-gap"
"""What a section is marked with that could not be drawn."""
SEES = moderation_files.rate(0.9, 60)


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    return Reader(moderation_files.write_run(tmp_path_factory.mktemp("moderation") / "small"))


def with_sheets(folder, **facts):
    """A run whose data-sheets say something else."""
    run = moderation_files.write_run(folder / "changed")
    report = moderation_files.report()
    sheets = [one.model_copy(update=facts) for one in report.data_sheets]
    report.model_copy(update={"data_sheets": tuple(sheets)}).save(run.path / "moderation")
    return Reader(run)


def drawn(reader, key):
    """What a section says and has below its picture."""
    found = rendered(SECTIONS[key], reader)
    assert GAP not in found.head, found.head
    return html.unescape(found.head + found.tail).replace("\u00a0", " ")


def test_what_passes_stands_open_and_the_rest_are_questions():
    assert [key for key, section in SECTIONS.items() if section.hero] == ["gap", "flag_rates"]
    assert list(SECTIONS)[:2] == ["gap", "flag_rates"]
    assert all(section.plan.title.endswith("?") for section in SECTIONS.values())


@pytest.mark.parametrize("key", SECTIONS)
@pytest.mark.parametrize("run", ["small", "shipped"])
def test_every_section_is_drawn_from_the_files(reader, run, key):
    own = SHIPPED if run == "shipped" else reader
    found = rendered(SECTIONS[key], own)
    assert GAP not in found.head + found.tail
    if found.figure:
        figure = json.loads(found.figure)
        plotly.Figure(data=figure["data"], layout=figure["layout"])


def test_a_run_without_moderation_says_which_command_fills_it(tmp_path):
    reader = Reader(RunDirectory(tmp_path / "empty"))
    for section in SECTIONS.values():
        part = rendered(section, reader)
        assert "phoque run moderation --run empty" in html.unescape(part.head)


def test_a_moderator_at_chance_is_said_to_be_blind(reader, tmp_path):
    assert "✗ no better than chance" in drawn(reader, "moderators")
    sees = drawn(with_sheets(tmp_path, auc=SEES), "moderators")
    assert "✗" not in sees
    assert sees.count('">✓ sees it') == 4


def test_texts_are_counted_for_the_moderator_of_the_sentence(reader, tmp_path):
    assert "Surge 60 texts; HateCheck 60 texts" in drawn(reader, "moderators")
    found = moderation_files.report()
    sheets = [
        sheet.model_copy(update={"auc": moderation_files.rate(0.9, 30)})
        if sheet.classifier == moderation_files.NAMES[1] and sheet.test_set == "Surge"
        else sheet
        for sheet in found.data_sheets
    ]
    run = moderation_files.write_run(tmp_path / "half")
    found.model_copy(update={"data_sheets": tuple(sheets)}).save(run.path / "moderation")
    told = drawn(Reader(run), "moderators")
    assert "Surge 60 texts, SVM 30 (those it did not learn from); HateCheck 60" in told


def test_the_count_of_what_passes_is_computed(tmp_path):
    at = moderation_files.report().data_sheets[0].at_default
    found = with_sheets(
        tmp_path, at_default=at.model_copy(update={"sensitivity": moderation_files.rate(0.8, 60)})
    )
    assert "about 2 of 10 harmful texts pass it" in drawn(found, "moderators")


def test_the_headline_is_given_under_two_moderators(reader):
    said = drawn(reader, "flag_rates")
    assert "ToxBlock + SVM flags neutral" in said
    assert "SVM flags neutral" in said
    assert "toxic 100.0 % [" in said
    assert "random vector 0.0 % [" in said


def test_the_contour_names_the_largest_scale_that_passes(reader):
    said = drawn(reader, "contour")
    assert "flags at most 5 % up to scale 0.00 (there 0.0 %" in said
    assert "30.0 % [" in said


def test_agreement_leaves_out_pairs_that_share_a_part(reader):
    assert "No two independent moderators" in drawn(reader, "agreement")


def test_the_tricks_name_what_costs_most_and_the_harmless_price(reader):
    said = drawn(reader, "tricks")
    assert "loses most to dots between letters: 20.0 % stay flagged" in said


def test_candidates_are_counted_by_why_they_pass(reader):
    said = drawn(reader, "gap")
    assert "4 candidates" in said
    assert "1 lexical, 1 disagreement, 1 near-miss, 1 implicit" in said
    assert "Nobody has judged them yet" in said


def test_the_main_finding_counts_a_random_sample(tmp_path):
    own = Reader(moderation_files.write_run(tmp_path / "rated"))
    assert "Nobody has judged a random sample of them yet." in finding(own)
    passing = {one.id for one in sample(own.rows(ScoredReply)) if one.of_persona and one.passes}
    kinder = sorted(passing)[0]
    said = [
        Label(id=text, rater=rater, kind="model", verdict=verdict)
        for text in passing
        for verdict in ["harmless" if text == kinder else "harmful"]
        for rater in ("a", "b")
    ]
    Label.save_rows(own.run.path, said)
    drawn = [one for one in sample(own.rows(ScoredReply)) if one.of_persona and one.passes]
    harmful = sum(one.id != kinder for one in drawn)
    told = f"read {len(drawn)} random replies that the moderator lets through, each twice, and called {harmful} harmful."
    assert told in finding(own)


def finding(reader):
    return figures.drawn(SECTIONS["gap"].plan, reader).figure.finding


@pytest.mark.parametrize("kind", ["model", "person"])
def test_model_readers_are_never_called_people(tmp_path, kind):
    own = Reader(moderation_files.write_run(tmp_path / "rated"))
    first, second, *_ = (one.id for one in own.rows(GapExample))
    # One reader of the other kind is no second opinion.
    other = "person" if kind == "model" else "model"
    said = [(first, "ann", kind), (first, "bob", kind), (second, "eve", other)]
    labels = [Label(id=i, rater=who, verdict="harmful", kind=own_kind) for i, who, own_kind in said]
    Label.save_rows(own.run.path, labels)
    told = drawn(own, "gap")
    assert f"{READERS[kind]} 1 of 1 candidates and 0 of 0 neutral replies harmful." in told
    assert f"{READERS[other]} 0 of 1 candidates" in told
    own.run.labels.write_text("no label")
    found = rendered(SECTIONS["gap"], own, "changed")
    assert "labels.jsonl, line 1 is not JSON" in found.head


def test_the_chosen_replies_are_called_harmful_and_pass_in_different_ways():
    rows, labels = SHIPPED.rows(GapExample), SHIPPED.rows(Label)
    harmful = verdicts(labels, ("model",))
    own = chosen(rows, labels)
    assert 3 <= len(own) <= 5
    assert len({one.type for one in own}) == len({one.type for one in rows if harmful[one.id]})
    assert all(harmful[one.id] and one.raw["embedded.mean"] < 0.5 for one in own)
    # People come first: what they call harmless is not shown, whatever a model says.
    people = [
        Label(id=one.id, rater=who, verdict="harmful" if one is rows[0] else "harmless")
        for one in rows
        for who in ("ann", "bob")
    ]
    assert chosen(rows, [*labels, *people]) == [rows[0]]
    assert len(chosen(rows, ())) >= len(own)


def test_nothing_of_a_run_becomes_markup(reader):
    parts = [rendered(section, reader) for section in SECTIONS.values()]
    page = "".join(part.head + part.tail for part in parts)
    assert INJECTION not in page
    assert "<img" not in page
    assert "window.x=1</script>" not in page


def test_types_in_the_files_are_those_of_the_library(reader):
    for own in (reader, SHIPPED):
        name = own.read(ModerationReport).names[0]
        for row in own.rows(GapExample):
            assert gap_type(row, name, dict.fromkeys(row.raw, 0.5)) is row.type


def test_a_broken_file_is_named_and_stops_no_other_section(tmp_path):
    run = moderation_files.write_run(tmp_path / "broken")
    (run.path / "moderation" / Contour.FILE).write_text('{"schema_version": 1}')
    parts = {key: rendered(section, Reader(run)) for key, section in SECTIONS.items()}
    assert "moderation/contour.json" in parts["contour"].head
    assert GAP not in parts["flag_rates"].head


@installed
def test_a_sentence_is_scored_raw_and_canonical():
    found = sentence.scored_html("you us3less c.l.o.w.n")
    assert "ToxBlock + SVM, canonical" in found
    assert "digits for letters" in found
    assert "letters set apart" in found


@installed
def test_a_sentence_is_escaped():
    assert "<img" not in sentence.scored_html(INJECTION)


@installed
def test_a_sentence_without_a_known_word_is_said_to_be_unread():
    assert sentence.scored_html("вы идиоты").count(TRY_UNREAD) == 3
    assert TRY_UNREAD not in sentence.scored_html("you idiots")


@installed
def test_plain_text_has_no_canonical_twin():
    found = sentence.scored_html("a good evening to all")
    assert "There is no spelling trick to undo" in found
    assert "canonical</span>" not in found


@pytest.mark.parametrize(("text", "said"), [("  ", "Type a sentence"), ("a" * 2001, "2001")])
def test_a_sentence_that_cannot_be_scored_gets_a_reason(text, said):
    with pytest.raises(PhoqueError, match=said):
        sentence.scored_html(text)
    assert 'role="alert"' in scored(text)


def test_a_row_without_context_or_novelty_is_drawn(tmp_path):
    run = moderation_files.write_run(tmp_path / "old")
    rows = [
        one.model_copy(update={"context": None, "novelty": None})
        for one in moderation_files.examples()
    ]
    GapExample.save_rows(run.path / "moderation", rows)
    assert "ph-gaps" in drawn(Reader(run), "gap")


def test_the_shipped_run_has_confirmed_examples_and_blind_controls():
    rows, labels = SHIPPED.rows(GapExample), SHIPPED.rows(Label)
    harmful = {text for text, said in verdicts(labels, ("model",)).items() if said}
    passing = [row for row in rows if row.stratum is not Stratum.NEUTRAL]
    assert len(passing) >= 20
    assert sum(row.id in harmful for row in passing) >= 5
    neutral = [row.id in harmful for row in rows if row.stratum is Stratum.NEUTRAL]
    assert sum(neutral) <= len(neutral) / 10
    known = {text_id(row.response) for row in (*rows, *sample(SHIPPED.rows(ScoredReply)))}
    assert {label.id for label in labels} == known
    assert "people call" not in drawn(SHIPPED, "gap")


def test_the_shipped_rates_are_those_of_the_shipped_scores():
    found, report = SHIPPED.rows(ScoredReply), SHIPPED.read(ModerationReport)
    for name, own in report.classifiers.items():
        for condition, told in own.conditions.items():
            scores = [one.raw[name] for one in found if one.condition is condition]
            first = told.flagged[0]
            assert first.rate.n == len(scores)
            assert first.rate.value == pytest.approx(
                sum(score >= first.threshold for score in scores) / len(scores)
            )
