"""The moderation tab without a browser: what it says, what it escapes, what it does without files."""

import html
import json

import pytest
from phoque.ui.moderation.data import moderation_folder
from phoque.ui.moderation.page import SECTIONS, drawn_sections

from phoque.config import SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.run.directory import RunDirectory
from phoque.stages.moderation.gap import Case, gap_type
from phoque.stages.moderation.labels import Label, read_labels, verdicts, write_labels
from phoque.ui.moderation import gap, sentence
from phoque.ui.moderation.wording import READERS
from phoque.ui.sections import safely
from phoque.ui.tabs.moderation import scored
from tests.moderators import installed
from tests.ui import moderation_files
from tests.ui.fakes import INJECTION

plotly = pytest.importorskip("plotly.graph_objects")
DRAWN = {section.key: (section, draw) for section, draw in SECTIONS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    run = moderation_files.write_run(tmp_path_factory.mktemp("moderation") / "small")
    return moderation_folder(run)


@pytest.fixture
def changed(tmp_path):
    """A folder whose report a test may change."""
    found = moderation_folder(moderation_files.write_run(tmp_path / "changed"))

    def change(edit):
        file = found.path / "moderation_report.json"
        report = json.loads(file.read_text())
        edit(report)
        file.write_text(json.dumps(report))
        return found

    return change


def drawn(folder, key):
    section, draw = DRAWN[key]
    found = safely(section, draw, folder)
    assert not found.failed, found.reading
    return found


def reading(folder, key):
    return drawn(folder, key).reading.replace("\u00a0", " ")


def test_what_moderators_see_comes_before_what_they_flag():
    keys = list(DRAWN)
    assert keys[0] == "sheets"
    assert keys.index("sheets") < keys.index("flagged") < keys.index("gap")


def test_every_section_is_drawn_from_the_files(folder):
    for key in DRAWN:
        assert reading(folder, key).endswith("."), key


def test_every_figure_is_valid_plotly(folder):
    figures = [figure for part in drawn_sections(folder) for figure in part.figures]
    assert len(figures) == sum(section.num_figures for section, _ in SECTIONS)
    for figure in map(json.loads, figures):
        plotly.Figure(data=figure["data"], layout=figure["layout"])


def test_a_run_without_moderation_says_which_command_fills_it(tmp_path):
    folder = moderation_folder(RunDirectory(tmp_path / "empty"))
    for part in drawn_sections(folder):
        assert "python -m training moderation --run empty" in html.unescape(part.head)


def test_a_moderator_at_chance_is_said_to_be_blind(folder, changed):
    assert "no better than chance" in reading(folder, "sheets")

    def see(report):
        for sheet in report["data_sheets"]:
            sheet["auc"] = moderation_files.rate(0.9, 60)

    sees = changed(see)
    assert "no better than chance" not in reading(sees, "sheets")
    assert drawn(sees, "sheets").above.count("✓ sees it") == 4


def test_the_sheets_miss_count_is_computed(changed):
    def find(report):
        for sheet in report["data_sheets"]:
            sheet["at_default"]["sensitivity"] = moderation_files.rate(0.8, 60)

    assert "about 2 of 10 harmful texts pass it" in reading(changed(find), "sheets")


def test_the_headline_is_given_under_two_moderators(folder):
    said = reading(folder, "flagged")
    assert "embedded.mean flags neutral" in said
    assert "embedded.svm flags neutral" in said
    assert "toxic 100.0 % [" in said


def test_the_contour_names_the_largest_scale_that_passes(folder):
    said = reading(folder, "contour")
    assert "flags at most 5% up to scale 0.00 (there 0.0 %" in said
    assert "30.0 %" in said


def test_agreement_leaves_out_pairs_that_share_a_part(folder):
    assert reading(folder, "agreement").startswith("No two independent moderators")


def test_the_battery_names_what_costs_most_and_the_harmless_price(folder):
    said = reading(folder, "battery")
    assert "loses most to dots between letters: 20 % stay flagged" in said


def test_candidates_are_counted_by_why_they_pass(folder):
    said = reading(folder, "gap")
    assert said.startswith("4 candidates")
    assert "1 lexical, 1 disagreement, 1 near-miss, 1 implicit" in said
    assert "Nobody has judged them yet" in said


@pytest.mark.parametrize("kind", ["model", "person"])
def test_model_readers_are_never_called_people(tmp_path, kind):
    own = moderation_folder(moderation_files.write_run(tmp_path / "rated"))
    text = own.table("gap_examples.csv")[0]["id"]
    labels = [Label(text, rater, "harmful", kind) for rater in ("first", "second")]
    # One reader of the other kind is no second opinion.
    other = "person" if kind == "model" else "model"
    labels.append(Label(own.table("gap_examples.csv")[1]["id"], "third", "harmful", other))
    write_labels(own.run.labels, labels)
    said = reading(own, "gap")
    assert f"{READERS[kind]} 1 of 1 candidates and 0 of 0 neutral controls harmful." in said
    assert f"{READERS[other]} 0 of 1 candidates" in said


def test_nothing_of_a_run_becomes_markup(folder):
    page = "".join(part.head + part.tail for part in drawn_sections(folder))
    assert INJECTION not in page
    assert "<img" not in page
    assert "window.x=1</script>" not in page


def test_types_in_the_files_are_those_of_the_library(folder):
    rows = folder.table("gap_examples.csv")
    names = moderation_files.NAMES
    for row in rows:
        case = Case(
            raw={name: float(row[f"{name}/harm"]) for name in names},
            canonical={name: float(row[f"{name}/canonical"]) for name in names},
            harmful=None,
        )
        found = gap_type(case, names[0], dict.fromkeys(names, 0.5))
        assert (found.value if found else "") == row["type"]


def test_a_broken_file_is_named_and_stops_no_other_section(changed):
    folder = changed(lambda report: report.pop("agreement"))
    parts = dict(zip(DRAWN, drawn_sections(folder), strict=True))
    assert "moderation/moderation_report.json" in parts["agreement"].head
    assert "ph-gap" not in parts["flagged"].head


@installed
def test_a_sentence_is_scored_raw_and_canonical():
    found = sentence.scored_html("you us3less c.l.o.w.n")
    assert "embedded.mean, canonical" in found
    assert "digits for letters" in found
    assert "letters set apart" in found


@installed
def test_a_sentence_is_escaped():
    assert "<img" not in sentence.scored_html(INJECTION)


@installed
def test_plain_text_has_no_canonical_twin():
    found = sentence.scored_html("a good evening to all")
    assert "nothing to undo" in found
    assert "canonical</span>" not in found


@pytest.mark.parametrize(("text", "said"), [("  ", "Type a sentence"), ("a" * 2001, "2001")])
def test_a_sentence_that_cannot_be_scored_gets_a_reason(text, said):
    with pytest.raises(PhoqueError, match=said):
        sentence.scored_html(text)
    assert 'role="alert"' in scored(text)


def test_a_row_without_context_or_novelty_is_drawn(tmp_path):
    run = moderation_files.write_run(tmp_path / "old")
    rows = [
        {k: ("" if k.startswith("context/") else v) for k, v in row.items() if "novelty" not in k}
        for row in moderation_files.examples()
    ]
    moderation_files.write_csv(run.path / "moderation" / "gap_examples.csv", rows)
    assert gap.draw(moderation_folder(run)).below


def test_the_shipped_run_has_confirmed_examples_and_blind_controls():
    own = moderation_folder(RunDirectory(SHIPPED_RUN))
    rows = own.table("gap_examples.csv")
    labels = read_labels(own.run.labels)
    harmful = {text for text, said in verdicts(labels, ("model",)).items() if said}
    passing = [row for row in rows if row["stratum"] != "control"]
    assert len(passing) >= 20
    assert sum(row["id"] in harmful for row in passing) >= 5
    assert not any(row["id"] in harmful for row in rows if row["stratum"] == "control")
    assert {label.id for label in labels} <= {row["id"] for row in rows}
    said = reading(own, "gap")
    assert "by a language model, not people, call 60 of 80 candidates and 0 of 20" in said
    assert "people call" not in said.replace("not people, call", "")


def test_every_section_of_the_shipped_run_is_drawn():
    own = moderation_folder(RunDirectory(SHIPPED_RUN))
    for key in DRAWN:
        assert reading(own, key).endswith("."), key
