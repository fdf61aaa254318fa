"""The SAE tab without a browser: what it says, what it escapes, what it does without files."""

import html
import json

import pytest

from phoque.conversation import Condition
from phoque.errors import PhoqueError
from phoque.run.directory import RunDirectory
from phoque.ui.sae.dashboard import dashboard_html, visible
from phoque.ui.sae.data import sae_folder
from phoque.ui.sae.page import SECTIONS, drawn_sections
from phoque.ui.sae.trying import tried
from phoque.ui.sections import safely
from tests.ui import sae_files
from tests.ui.fakes import INJECTION, FakeServices

plotly = pytest.importorskip("plotly.graph_objects")
DRAWN = {section.key: (section, draw) for section, draw in SECTIONS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return sae_folder(sae_files.write_run(tmp_path_factory.mktemp("sae") / "small"))


@pytest.fixture
def changed(tmp_path):
    """A folder whose report a test may replace."""
    found = sae_folder(sae_files.write_run(tmp_path / "changed"))

    def change(report):
        (found.path / "sae_comparison_report.json").write_text(json.dumps(report))
        return found

    return change


def reading(folder, key):
    section, draw = DRAWN[key]
    drawn = safely(section, draw, folder)
    assert not drawn.failed, drawn.reading
    return drawn.reading.replace("\u00a0", " ")


def test_whether_to_trust_it_comes_first():
    assert next(iter(DRAWN)) == "card"


def test_every_section_is_drawn_from_the_files(folder):
    for key in DRAWN:
        assert reading(folder, key).endswith((".", ").")), key


def test_every_figure_is_valid_plotly(folder):
    figures = [figure for part in drawn_sections(folder) for figure in part.figures]
    assert len(figures) == sum(section.num_figures for section, _ in SECTIONS)
    for figure in map(json.loads, figures):
        plotly.Figure(data=figure["data"], layout=figure["layout"])


def test_a_run_without_a_dictionary_says_which_command_fills_it(tmp_path):
    for part in drawn_sections(sae_folder(RunDirectory(tmp_path / "empty"))):
        assert "python -m training sae --run empty" in html.unescape(part.head)


def test_a_failed_gate_is_said_first_and_again_above_the_tables(changed):
    folder = changed(sae_files.report(passed=False))
    assert "GATES FAILED (explained variance, base)" in reading(folder, "card")
    assert "unfaithful dictionary" in reading(folder, "latents")


def test_a_null_result_is_called_one(changed):
    folder = changed(sae_files.report(moved=0))
    assert reading(folder, "latents").startswith("No latent moved: none of 50")


def test_a_cause_is_told_beside_its_strongest_rival(folder):
    said = reading(folder, "cause")
    assert "latent 7 gives 90.0 % [80.0, 100.0], beyond the strongest rival there (10.0 %" in said
    assert "latent 7 gives 10.0 % [0.0, 20.0], beyond the strongest rival there (80.0 %" in said
    # Wilson's interval of 7 of 16 begins above 0.2, that of 6 does not.
    assert "With 16 replies less than 43.8 % could not be told from the rivals" in said


def test_incoherent_latents_are_no_cause(changed):
    report = sae_files.report()
    for cell in report["cause"]["generated"]["cells"]:
        cell["coherent"] = False
    assert "no latent left the text coherent" in reading(changed(report), "cause")


def test_prompts_answer_the_question_about_games(folder):
    said = reading(folder, "prompts")
    assert said.startswith("Gaming prompts move 40.0 %")
    assert "more, clearly, than benign ones (30.0 %)" in said
    assert "after Holm over 6 pairs" in said


@pytest.mark.parametrize("latent", ["7", "8", "9", "10", "R"])
def test_a_latents_evidence_is_escaped_and_masked(folder, latent):
    page = dashboard_html(folder, latent)
    assert "<img" not in page
    assert "<script" not in page
    assert page.count("ph-mask") >= 2


def test_a_latent_shows_every_badge_held_or_missing(folder):
    page = dashboard_html(folder, "8")
    assert page.count("ph-held") == 1
    assert page.count("ph-missing") == 8
    assert "not tried" in page


def test_near_latents_open_only_where_there_is_evidence(folder):
    page = dashboard_html(folder, "7")
    assert 'data-latent="8"' in page
    assert 'data-latent="77"' not in page


@pytest.mark.parametrize("latent", ["77", "", INJECTION])
def test_an_unknown_latent_has_no_evidence(folder, latent):
    with pytest.raises(PhoqueError, match="no evidence of latent"):
        dashboard_html(folder, latent)


def test_spaces_and_line_ends_can_be_seen():
    assert [visible(token) for token in (" a", "\n", "")] == ["␣a", "⏎", "∅"]


def test_a_direction_is_tried_beside_the_neutral_column():
    services = FakeServices()
    *_, (status, neutral, steered) = tried(services, "Hi", "7", -0.2)
    (ask,) = services.asked
    assert (ask.latent, ask.scale) == (7, -0.2)
    assert ask.conditions == (Condition.NEUTRAL, Condition.STEERED)
    assert "Latent 7, strength -0.20" in status
    assert "good start" in neutral
    assert "Useless" in steered


@pytest.mark.parametrize(("latent", "prompt", "said"), [("R", "Hi", "Which"), ("7", " ", "empty")])
def test_what_cannot_be_tried_gets_a_reason(latent, prompt, said):
    *_, (status, _, _) = tried(FakeServices(), prompt, latent, 0.2)
    assert 'role="alert"' in status
    assert said in status
