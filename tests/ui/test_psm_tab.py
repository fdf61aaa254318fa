"""The PSM tab without a browser: what it says, what it escapes, what it does without files."""

import html
import json
import re

import pytest

from phoque.config import SHIPPED_RUN
from phoque.figures import (
    confounds,
)
from phoque.figures.figure import drawn
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.ui.psm import heatmap
from phoque.ui.psm.sections import SECTIONS
from phoque.ui.results import rendered, sections
from phoque.ui.tabs import moderation, sae
from phoque.ui.tabs.psm import reader_named
from tests.ui import psm_files

plotly = pytest.importorskip("plotly.graph_objects")
OWN = [section for section in SECTIONS if section.plan.stage == "psm"]
"""Without what the evaluation and the comparison of two runs found."""
PLANS = {section.plan.key: section.plan for section in OWN}
LETTERS = re.compile(r"[A-Za-z]")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return psm_files.write_run(tmp_path_factory.mktemp("psm") / "small", "melancholy")


@pytest.fixture(scope="module")
def small(run):
    return Reader(run)


@pytest.fixture
def changed(tmp_path):
    """A reader of a run whose files a test may change."""
    return Reader(psm_files.write_run(tmp_path / "changed"))


def write(reader: Reader, name: str, text: str) -> None:
    (reader.folder("psm").path / name).write_text(text)


def parts_of(reader: Reader):
    stamp = reader.folder("psm").stamp
    return {one.plan.key: rendered(one, reader, stamp) for one in OWN}


def everything(reader: Reader) -> str:
    return "".join(part.head + part.tail for part in parts_of(reader).values())


def sentence(reader: Reader, key: str) -> str:
    found = drawn(PLANS[key], reader)
    assert found.figure, found.gap
    return found.figure.sentence.replace("\u00a0", " ")


def test_every_section_is_drawn_from_the_files(run, small):
    for key in PLANS:
        assert sentence(small, key).endswith("."), key
        other = drawn(PLANS[key], Reader(run, psm="psm-melancholy"))
        assert other.figure or "Only for the run's own persona" in other.gap, key


def test_every_section_of_the_shipped_run_is_drawn():
    reader = Reader(RunDirectory(SHIPPED_RUN), signed=True)
    assert [key for key, plan in PLANS.items() if drawn(plan, reader).gap] == []


@pytest.mark.parametrize("tab", [SECTIONS, sae.SECTIONS, moderation.SECTIONS])
def test_every_drawer_stands_under_a_heading(tab):
    drawers = [one for one in tab if not one.hero]
    assert drawers[0].topic
    assert len({one.topic for one in drawers}) <= len(drawers) / 2


def test_a_heading_for_a_figure_that_the_tab_lacks_is_refused():
    with pytest.raises(AssertionError):
        sections([one.plan for one in SECTIONS], hero=["layers"], topic={"layer": "Place"})


def test_every_picture_is_valid_plotly(small):
    figures = [json.loads(part.figure) for part in parts_of(small).values() if part.figure]
    assert len(figures) == 8
    for figure in figures:
        plotly.Figure(data=figure["data"], layout=figure["layout"])
        assert "title" not in figure["layout"]  # gradio would add 100 pixels above it
        assert figure["layout"]["paper_bgcolor"].endswith(",0)")


def test_a_run_without_psm_files_says_which_command_fills_it(tmp_path):
    for part in parts_of(Reader(RunDirectory(tmp_path / "empty"))).values():
        assert "Fill it with: phoque run psm --run empty" in html.unescape(part.head)
        assert part.figure is None


def test_another_personas_command_names_it_and_its_origin_cannot_be_measured(run):
    reader = reader_named(run, "psm-melancholy")
    assert reader.folder("psm").command.endswith("--run small --persona melancholy")
    for key in ("transplant", "trajectory", "messages", "directions"):
        assert "Only for the run's own persona" in drawn(PLANS[key], reader).gap


def test_an_unknown_persona_falls_back_to_the_runs_own(run):
    assert reader_named(run, "psm-../../etc").psm == "psm"
    assert reader_named(run, None).psm == "psm"


@pytest.mark.parametrize("data", ["{", "[]", "{}", '{"selected": null}'])
@pytest.mark.parametrize("name", ["selection", "dose_response", "geometry", "scrubber"])
def test_a_broken_file_is_named_and_stops_no_other_section(changed, name, data):
    write(changed, f"{name}.json", data)
    parts = parts_of(changed)
    broken = [part.head for part in parts.values() if f"psm/{name}.json" in part.head]
    assert broken
    assert all("Make it again with" in head for head in broken)
    assert "ph-gap" not in parts["talk_conditions"].head


def test_an_unfinished_run_says_so(changed):
    write(changed, "unfinished.json", "{}")
    assert "still being measured" in parts_of(changed)["verdict"].head
    (changed.folder("psm").path / "antidote.json").unlink()
    assert "has not got there yet" in drawn(PLANS["antidotes"], changed).gap


def test_a_changed_file_is_read_again(changed):
    before = everything(changed)
    psm_files.selection(beyond=False).save(changed.folder("psm").path)
    assert everything(changed) != before


def test_a_null_result_is_called_one(changed):
    psm_files.selection(beyond=False).save(changed.folder("psm").path)
    assert sentence(changed, "verdict").startswith("No: no layer and dose")
    assert "No layer does better than chance" in sentence(changed, "layers")
    assert "pages start at layer 3" in sentence(changed, "layer_deltas")
    assert "ph-chosen" not in parts_of(changed)["persona_heatmap"].tail


def test_the_verdict_names_effect_interval_and_chance(small):
    said = sentence(small, "verdict")
    assert "0.0 % to 70.0 % [60.0, 80.0] (n = 24)" in said
    assert "is less than 0.001, corrected for all cells" in said


def test_the_verdicts_numbers_are_cards(small):
    tail = parts_of(small)["verdict"].tail
    assert tail.count("<dt>") == 6 + tail.partition("ph-drawer")[2].count("<dt>")
    assert "<dd>trust</dd>" in tail


def test_confounds_within_the_floor_are_noise(small):
    assert "blunt is nearest to the persona's (cosine +0.50, beyond" in sentence(small, "confounds")
    assert "<td>noise</td>" in parts_of(small)["confounds"].tail
    for left, said in ((0.3, "keeps part of its effect"), (0.0, "persona vector loses its effect")):
        assert said in confounds.draw(psm_files.confounds(left)).sentence


def test_no_persona_is_said_to_insult(run):
    page = everything(Reader(run, psm="psm-melancholy"))
    assert "a listed word" in page
    assert "insulting replies" not in page


def test_no_markup_of_a_model_reaches_the_page(small):
    page = everything(small)
    assert "<img" not in page
    assert "<script" not in page
    cell = heatmap.replies_html(small, "toxic", psm_files.SELECTED, 0.4)
    assert "<img" not in cell
    assert "&lt;img src=x" in cell


def test_the_scrubber_embeds_no_more_than_it_needs(small):
    page = parts_of(small)["scrubber"].tail
    told = re.search(r'class="ph-data" hidden>(.*?)</div>', page, re.DOTALL).group(1)
    assert "text" not in told
    compact = json.loads(told)
    assert compact["series"]["vector"][4]["rate"] == [0.9, 0.8, 1.0, 10]
    assert compact["reach"] == pytest.approx(2.7)


def test_the_collapse_zone_starts_where_coherence_ends(small):
    tail = parts_of(small)["scrubber"].tail
    assert 'ph-collapse" style="left:80.00%"' in tail
    assert "collapse zone" in tail
    assert "1 nat" in tail


def test_replies_of_a_cell_are_masked_until_revealed(small):
    said = heatmap.replies_html(small, "toxic", psm_files.SELECTED, 0.4)
    masks = re.findall(r'<div class="ph-mask"[^>]*>(.*?)</div>', said, re.DOTALL)
    assert len(masks) == len(psm_files.PROMPTS)
    assert not any(LETTERS.search(mask) for mask in masks)
    assert said.count('class="ph-real"') == len(masks)
    assert "<mark>Clown</mark>" in said
    assert "<mark>" not in heatmap.replies_html(small, "unknown", psm_files.SELECTED, 0.4)


def test_a_cell_without_replies_says_so(small, tmp_path):
    assert "No replies were kept" in heatmap.replies_html(small, "toxic", 99, 0.4)
    absent = Reader(RunDirectory(tmp_path))
    assert "sweep_replies.csv is missing" in heatmap.replies_html(absent, "toxic", 1, 0.1)


def test_counted_tokens_are_masked(small):
    tail = parts_of(small)["talk_conditions"].tail
    assert '<div class="ph-real"><code>␣clown</code>' in tail


def test_cells_are_buttons_whose_state_is_told_without_colour(small):
    grid = parts_of(small)["persona_heatmap"].tail
    assert grid.count('class="ph-cell') == len(psm_files.DOSES) * psm_files.NUM_LAYERS
    assert "ph-broken" in grid
    assert "not coherent text" in grid
    assert "Selected by the sweep" in grid


def test_provenance_names_what_is_known_and_what_is_not(small, tmp_path):
    found = small.folder("psm").facts()
    assert (found["Model"], found["Seeds"]) == ("lab", "42, 43, 44")
    assert found["Commit"] == "012345678"
    unknown = Reader(RunDirectory(tmp_path)).folder("psm").facts()
    assert (unknown["Model"], unknown["Commit"]) == ("–", "not in the manifest yet")


def test_every_section_has_a_drawer_with_its_command_and_files(small):
    for key, part in parts_of(small).items():
        assert part.tail.count('class="ph-drawer"') == 1
        assert "phoque run psm --run small" in part.tail
        for file in PLANS[key].sources(small):
            assert file in part.tail


def test_the_page_names_no_folder_of_the_machine(run, small):
    assert str(run.path.parent) not in everything(small)
