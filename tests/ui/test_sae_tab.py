"""The SAE tab without a browser: what it says, what it escapes, what it does without files."""

import html
import json
import re

import pytest

from phoque.config import SHIPPED_RUN
from phoque.conversation import Condition
from phoque.errors import PhoqueError
from phoque.figures.figure import drawn
from phoque.figures.shelf import WHAT_MOVED
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.ui.parts import visible
from phoque.ui.results import rendered
from phoque.ui.sae.cards import latent_cards
from phoque.ui.sae.dashboard import dashboard_html
from phoque.ui.sae.latents import known_of
from phoque.ui.sae.trying import tried
from phoque.ui.tabs.sae import SECTIONS
from tests.ui import sae_files
from tests.ui.fakes import INJECTION, FakeServices, alone

plotly = pytest.importorskip("plotly.graph_objects")
PLANS = {plan.key: plan for plan in WHAT_MOVED}


def parts_of(reader):
    return [rendered(section, reader) for section in SECTIONS]


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    return Reader(sae_files.write_run(tmp_path_factory.mktemp("sae") / "small"))


@pytest.fixture
def changed(tmp_path):
    """Reads a run whose report a test may replace."""
    run = sae_files.write_run(tmp_path / "changed")

    def change(report):
        report.save(run.path / "sae")
        return Reader(run)

    return change


def reading(reader, key):
    found = drawn(PLANS[key], reader)
    assert found.figure, found.gap
    return found.figure.sentence.replace("\u00a0", " ")


def test_whether_to_trust_it_is_the_first_question():
    assert next(one.plan.key for one in SECTIONS if not one.hero) == "gates"


@pytest.mark.parametrize("run", ["small", "shipped"])
def test_every_section_is_drawn_from_the_files(reader, run):
    """The shipped run has files of the first version."""
    own = reader if run == "small" else Reader(RunDirectory(SHIPPED_RUN))
    assert all(reading(own, key).endswith(".") for key in PLANS)
    for plan, part in zip(WHAT_MOVED, parts_of(own), strict=True):
        assert "ph-gap" not in part.head.split("ph-gap-")[0], plan.key
        if part.figure:
            figure = json.loads(part.figure)
            plotly.Figure(data=figure["data"], layout=figure["layout"])
    assert sum(part.figure is not None for part in parts_of(own)) == 5
    assert dashboard_html(own, "R")


def test_a_run_without_a_dictionary_says_which_command_fills_it(tmp_path):
    for part in parts_of(Reader(RunDirectory(tmp_path / "empty"))):
        assert "phoque run sae --run empty" in html.unescape(part.head)


def test_a_failed_gate_is_said_first_and_again_above_the_tables(changed):
    reader = changed(sae_files.report(passed=False))
    assert "GATES FAILED (explained variance, base)" in reading(reader, "gates")
    assert "the dictionary is not faithful" in reading(reader, "sae_shifts")


def test_a_null_result_is_called_one(changed):
    found = reading(changed(sae_files.report(moved=0)), "sae_shifts")
    assert found.startswith("No latent moved: none of 50")


def test_a_cause_is_told_beside_its_strongest_rival(reader):
    said = reading(reader, "latents_toward")
    assert (
        "latent 7 gives 90.0 % [80.0, 100.0], beyond the strongest rival at that strength (10.0 %"
        in said
    )
    # Wilson's interval of 7 of 16 begins above 0.2, that of 6 does not.
    assert (
        "With 16 replies, a share of less than 43.8 % cannot be told apart from the rivals'" in said
    )
    said = reading(reader, "latents_away")
    assert (
        "latent 7 gives 10.0 % [0.0, 20.0], beyond the strongest rival at that strength (80.0 %"
        in said
    )


def test_where_the_persona_vector_acts_is_said_first(reader):
    assert reading(reader, "latents_toward").startswith(
        "This layer can show what makes the persona: the persona vector, added at strength 0.2, takes the share of "
        "replies with a listed word from 0.0 % [0.0, 10.0] to 90.0 %"
    )
    said = reading(reader, "sae_shifts")
    assert "1 is shown to drive the persona, 1 to hold it back and 1 to do neither" in said
    assert "to do neither; 0 are undecided." in said


def test_a_layer_that_shows_no_cause_is_said_once_and_not_a_thousand_times(changed):
    own = sae_files.report()
    cause = sae_files.cause(sae_files.cells(), control=(0.1, 0.8))
    said = reading(changed(own.model_copy(update={"cause": cause})), "sae_shifts")
    for shows in ("makes the persona", "holds the persona back"):
        assert said.count(f"This layer cannot show what {shows}, whatever a latent does: the") == 1
    assert "drive the persona" not in said


def test_a_layer_that_shows_causes_one_way_says_which(changed):
    own = sae_files.report()
    toward, away = own.cause.controls
    cause = own.cause.model_copy(
        update={"controls": (toward, away.model_copy(update={"acts": False}))}
    )
    said = reading(changed(own.model_copy(update={"cause": cause})), "sae_shifts")
    assert "1 is shown to drive the persona" in said
    assert "cannot show what holds the persona back, whatever a latent does" in said
    assert "cannot show what makes the persona" not in said


@pytest.mark.parametrize(
    ("p", "verdict"),
    [
        (0.001, "The latents that fell lean towards hedging, politeness and uncertainty."),
        (
            0.2,
            "The latents that fell are not shown to stand for hedging, politeness or uncertainty.",
        ),
    ],
)
def test_what_fell_is_told_either_way(changed, p, verdict):
    own = sae_files.report().model_copy(update={"fallen_words": sae_files.fallen(p)})
    said = reading(changed(own), "fallen_words")
    assert said.startswith(
        f"{verdict} Share of their firings that are on such words: 4.0 % (unmoved latents that fire as often: 2.0 %"
    )


def test_names_are_told_with_how_well_they_hold(reader):
    assert "Of the 4 names in the table, 4 predict where their latent fires" in reading(
        reader, "sae_shifts"
    )
    page = dashboard_html(reader, "7")
    assert (
        "the latent fires on 60.0 % [50.0, 70.0] of the 40 tokens that the name means and on 1.0 % of all"
        in page.replace("\u00a0", " ")
    )
    assert "(24 of 40)" in page


def test_incoherent_latents_are_no_cause(changed):
    reader = changed(sae_files.report(coherent=False))
    for key in ("latents_toward", "latents_away"):
        assert "No latent left the text coherent" in reading(reader, key)


def test_prompts_answer_the_question_about_games(reader):
    said = reading(reader, "prompt_kinds")
    assert said.startswith("Prompts about games move the residual stream by 40.0 %")
    assert "benign prompts move it most, by 30.0 %" in said
    assert "Games move it clearly more" in said
    assert "p 0.006 after Holm over 6 pairs" in said


def test_cards_show_causes_first_then_the_largest_changes_of_either_side(reader):
    known = known_of(reader)
    cards = latent_cards(reader, None).split("<article")[1:]
    shown = [known.features[re.search(r'data-latent="(\d+)"', one)[1]] for one in cards]
    assert [one.effect > 0 for one in shown] == sorted(
        (one.effect > 0 for one in shown), reverse=True
    )
    assert shown[0].verdict == "driver"
    for card, one in zip(cards, shown, strict=True):
        assert f"Latent {one.latent}" in card
        assert {"Promotes", "Fires on"} <= {*re.findall(r"<dt>([\w ]+)</dt>", card)}
        assert card.count("ph-mask") == card.count("ph-real") >= 3
        assert "<img" not in card
        assert "<script" not in card


@pytest.mark.parametrize("latent", ["7", "8", "9", "10", "R"])
def test_a_latents_evidence_is_escaped_and_masked(reader, latent):
    page = dashboard_html(reader, latent)
    assert "<img" not in page
    assert "<script" not in page
    assert page.count("ph-mask") >= 2


def test_a_latent_shows_every_badge_held_or_missing(reader):
    page = dashboard_html(reader, "8")
    assert page.count("ph-held") == 1
    assert page.count("ph-missing") == 8
    assert "only screened" in page


def test_near_latents_open_only_where_there_is_evidence(reader):
    page = dashboard_html(reader, "7")
    assert 'data-latent="8"' in page
    assert 'data-latent="77"' not in page


@pytest.mark.parametrize("latent", ["77", "", INJECTION])
def test_an_unknown_latent_has_no_evidence(reader, latent):
    with pytest.raises(PhoqueError, match="no evidence of latent"):
        dashboard_html(reader, latent)


def test_spaces_and_line_ends_can_be_seen():
    assert [visible(token) for token in (" a", "\n", "")] == ["␣a", "⏎", "∅"]


def test_a_direction_is_tried_beside_the_neutral_column():
    services = FakeServices()
    *_, (status, neutral, steered) = tried(alone(), services, "Hi", "7", -0.2)
    (ask,) = services.asked
    assert (ask.latent, ask.scale) == (7, -0.2)
    assert ask.conditions == (Condition.NEUTRAL, Condition.STEERED)
    assert "Latent 7, strength -0.20" in status
    assert "good start" in neutral
    assert "Useless" in steered


@pytest.mark.parametrize(("latent", "prompt", "said"), [("R", "Hi", "Which"), ("7", " ", "empty")])
def test_what_cannot_be_tried_gets_a_reason(latent, prompt, said):
    *_, (status, _, _) = tried(alone(), FakeServices(), prompt, latent, 0.2)
    assert 'role="alert"' in status
    assert said in status
