"""The PSM tab without a browser: what it says, what it escapes, what it does without files."""

import html
import json
import re
from pathlib import Path

import pytest
from phoque.ui.psm.data import PsmFolder, folder_named, folders
from phoque.ui.psm.downloads import copies
from phoque.ui.psm.page import SECTIONS, drawn_sections

from phoque.config import SHIPPED_RUN
from phoque.run.directory import RunDirectory
from phoque.ui.psm import conditions, dose, heatmap, identity, origin, remedies, scrubber, verdict
from phoque.ui.sections import safely
from tests.ui import psm_files

plotly = pytest.importorskip("plotly.graph_objects")
DRAWN = {section.key: (section, draw) for section, draw in SECTIONS}
LETTERS = re.compile(r"[A-Za-z]")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return psm_files.write_run(tmp_path_factory.mktemp("psm") / "small", "melancholy")


@pytest.fixture
def changed(tmp_path):
    """A run whose files a test may change, its own folder, and how to change one."""
    folder = folders(psm_files.write_run(tmp_path / "changed"))[0]

    def change(name: str, data: object) -> PsmFolder:
        (folder.path / name).write_text(data if isinstance(data, str) else json.dumps(data))
        return folder

    return change


def reading(folder: PsmFolder, key: str) -> str:
    section, draw = DRAWN[key]
    drawn = safely(section, draw, folder)
    assert not drawn.failed, drawn.reading
    return drawn.reading.replace("\u00a0", " ")


def everything(folder: PsmFolder) -> str:
    return "".join(part.head + part.tail for part in drawn_sections(folder))


def test_every_section_is_drawn_from_the_files(run):
    for folder in folders(run):
        for key in DRAWN:
            assert reading(folder, key).endswith((".", "]")), key


def test_every_figure_is_valid_plotly(run):
    figures = [figure for part in drawn_sections(folders(run)[0]) for figure in part.figures]
    assert len(figures) == sum(section.num_figures for section, _ in SECTIONS)
    for figure in map(json.loads, figures):
        plotly.Figure(data=figure["data"], layout=figure["layout"])
        assert "title" not in figure["layout"]  # gradio would add 100 pixels above it
        assert figure["layout"]["paper_bgcolor"].endswith(",0)")


def test_a_run_without_psm_files_says_which_command_fills_it(tmp_path):
    folder = folders(RunDirectory(tmp_path / "empty"))[0]
    for part in drawn_sections(folder):
        assert "Fill it with: python -m training psm --run empty" in html.unescape(part.head)
        assert set(part.figures) <= {None}


def test_another_personas_command_names_it_and_its_origin_cannot_be_measured(run):
    folder = folder_named(run, "psm-melancholy")
    assert folder.command.endswith("--run small --persona melancholy")
    (folder.path / "origin.json").unlink()
    section, draw = DRAWN["origin"]
    assert "Only for the run's own persona" in safely(section, draw, folder).reading


def test_an_unknown_persona_falls_back_to_the_runs_own(run):
    assert folder_named(run, "psm-../../etc").name == "psm"
    assert folder_named(run, None).name == "psm"


@pytest.mark.parametrize("data", ["{", "[]", "{}", '{"selected": null}'])
def test_a_broken_file_is_named_and_stops_no_other_section(changed, data):
    folder = changed("selection.json", data)
    parts = dict(zip(DRAWN, drawn_sections(folder), strict=True))
    assert "psm/selection.json" in parts["verdict"].head
    assert "Make it again with" in parts["verdict"].head
    assert "ph-gap" not in parts["conditions"].head


def test_the_shipped_run_is_told_from_others(run):
    assert PsmFolder(RunDirectory(SHIPPED_RUN), "psm").is_shipped
    assert "run: small" in drawn_sections(folders(run)[0])[0].head


def test_an_unfinished_run_says_so(changed):
    folder = changed("unfinished.json", {})
    assert "still being measured" in drawn_sections(folder)[0].head
    (folder.path / "antidote.json").unlink()
    section, draw = DRAWN["antidote"]
    assert "has not got there yet" in safely(section, draw, folder).reading


def test_a_changed_file_is_read_again(changed):
    folder = changed("bias_loop.json", psm_files.bias())
    before = everything(folder)
    changed("selection.json", psm_files.selection(beyond=False))
    assert everything(folder) != before


def test_a_null_result_is_called_one(changed):
    folder = changed("selection.json", psm_files.selection(beyond=False))
    assert reading(folder, "verdict").startswith("No: no layer and dose")
    assert "No layer is beyond chance" in reading(folder, "layers")
    assert "ph-chosen" not in DRAWN["heat"][1](folder).below


def test_the_verdict_names_effect_interval_and_chance(run):
    said = reading(folders(run)[0], "verdict")
    assert "0.0 % to 70.0 % [60.0, 80.0]" in said
    assert "2e-09" in said


def test_a_weak_dose_is_not_called_clear(changed):
    found = psm_files.controls()
    found["random"][0] |= psm_files.rate(0.75)
    folder = changed("dose_response.json", found)
    assert "not clearly above" in reading(folder, "dose")
    assert "clearly above" in dose.reading(
        {"persona": [{"dose": 0.1, **psm_files.rate(0.9)}], "random": [], "shuffled": [],
         "reversed": [{"dose": 0.1, **psm_files.rate(0.0)}]},
        {"layer": 1, "coherent_scale": 1.0}, 0.1, "hits",
    )  # fmt: skip


def test_a_layer_without_a_coherent_dose_has_no_reading():
    curves = {"persona": [{"dose": 0.1, **psm_files.rate(0.9)}]}
    said = dose.reading(curves, {"layer": 1, "coherent_scale": 0.0}, 0.1, "hits")
    assert "nothing can be read" in said


@pytest.mark.parametrize(("value", "said"), [(0.7, "raises"), (0.0, "does not clearly raise")])
def test_conditions_tell_an_effect_from_none(value, said):
    own = psm_files.conditions()["conditions"]
    own["neutral_plus_vector"]["effect"] = psm_files.effect(value)
    assert said in conditions.reading(own, "insulting replies")
    assert "no clear effect" in conditions.reading(own, "insulting replies")


def test_a_reply_of_listed_words_only_is_called_collapse():
    own = psm_files.conditions()["conditions"]
    assert "collapse" not in conditions.reading(own, "insulting replies")
    own["toxic_system"]["toxic_word_rate"]["mean"] = 0.4
    assert "collapse rather than persona: ▲" in conditions.reading(own, "insulting replies")


def test_confounds_within_the_floor_are_noise(run):
    assert "blunt (cosine +0.50, beyond noise" in reading(folders(run)[0], "confounds")
    assert ">noise<" in DRAWN["confounds"][1](folders(run)[0]).below
    found = psm_files.confounds()
    found["residual"]["insulting"] = psm_files.rate(0.3)
    assert "keeps part of its effect" in identity.confound_reading(found, "insulting replies")
    found["residual"]["insulting"] = psm_files.rate(0.0)
    assert "it loses its effect" in identity.confound_reading(found, "insulting replies")


@pytest.mark.parametrize(
    ("verdict_", "said"), [("noise", "no better than noise"), ("weak", "weak")]
)
def test_unreliable_directions_are_called_so(verdict_, said):
    at = psm_files.reliability()["layers"][0] | {"verdict": verdict_}
    assert said in identity.reliability_reading(at, at)


@pytest.mark.parametrize(
    ("cosine", "said"),
    [(0.9, "The same direction, amplified"), (0.5, "A partly new"), (0.1, "A new direction")],
)
def test_origin_is_read_from_the_cosine(cosine, said):
    found = psm_files.origin()
    found["cosines"]["base"]["persona"] = cosine
    assert origin.reading(found).startswith(said)
    found["effects"]["base"]["persona"] = psm_files.rate(0.0)
    assert "shows no clear effect in the base model" in origin.reading(found)


def test_an_antidote_that_breaks_text_does_not_count():
    found = psm_files.antidote()
    assert "reverse, leaves" in remedies.antidote_reading(found, "insulting replies")
    for own in found:
        own["coherent"] = False
    assert "none counts" in remedies.antidote_reading(found, "insulting replies")


def test_the_bias_reading_knows_no_effect():
    own = psm_files.bias()["conditions"]
    assert "lowers agreement" in remedies.bias_reading(own)
    own["steered"]["effect"] = psm_files.effect(0.0)
    assert "does not clearly change" in remedies.bias_reading(own)


def test_other_personas_are_not_said_to_insult(run):
    assert "melancholy word" in reading(folder_named(run, "psm-melancholy"), "scrubber")


def test_no_markup_of_a_model_reaches_the_page(run):
    page = everything(folders(run)[0])
    assert "<img" not in page
    assert "<script" not in page
    cell = heatmap.replies_html(folders(run)[0], psm_files.SELECTED, 0.4)
    assert "<img" not in cell
    assert "&lt;img src=x" in cell


def test_the_scrubber_embeds_no_more_than_it_needs(run):
    found = folders(run)[0].read("scrubber.json")
    small = scrubber.compact(found)
    assert "text" not in json.dumps(small)
    assert small["series"]["vector"][4]["rate"] == [0.9, 0.8, 1.0, 10]
    assert small["reach"] == pytest.approx(2.7)


def test_the_collapse_zone_starts_where_coherence_ends(run):
    below = DRAWN["scrubber"][1](folders(run)[0]).below
    assert 'ph-collapse" style="left:80.00%"' in below
    assert "collapse zone" in below
    assert "1 nat" in below


def test_replies_of_a_cell_are_masked_until_revealed(run):
    said = heatmap.replies_html(folders(run)[0], psm_files.SELECTED, 0.4)
    masks = re.findall(r'<div class="ph-mask"[^>]*>(.*?)</div>', said, re.DOTALL)
    assert len(masks) == len(psm_files.PROMPTS)
    assert not any(LETTERS.search(mask) for mask in masks)
    assert said.count('class="ph-real"') == len(masks)
    assert "<mark>Clown</mark>" in said


def test_a_cell_without_replies_says_so(run, tmp_path):
    assert "No replies were kept" in heatmap.replies_html(folders(run)[0], 99, 0.4)
    absent = folders(RunDirectory(tmp_path))[0]
    assert "sweep_replies.csv is missing" in heatmap.replies_html(absent, 1, 0.1)


def test_counted_tokens_are_masked(run):
    below = DRAWN["conditions"][1](folders(run)[0]).below
    assert '<div class="ph-real"><code>␣clown</code>' in below


def test_cells_are_buttons_whose_state_is_told_without_colour(run):
    below = DRAWN["heat"][1](folders(run)[0]).below
    assert below.count("<button") == len(psm_files.DOSES) * psm_files.NUM_LAYERS + 1
    assert "ph-broken" in below
    assert "not coherent text" in below
    assert "Selected by the sweep" in below


def test_provenance_names_what_is_known_and_what_is_not(run, tmp_path):
    found = folders(run)[0].facts()
    assert (found["Model"], found["Seeds"], found["Probes"]) == ("fake/model", "42, 43, 44", "12")
    assert found["Commit"] == "012345678"
    unknown = folders(RunDirectory(tmp_path))[0].facts()
    assert (unknown["Model"], unknown["Commit"]) == ("–", "not in the manifest yet")


def test_every_section_has_a_drawer_with_its_command(run):
    for (section, _), part in zip(SECTIONS, drawn_sections(folders(run)[0]), strict=True):
        assert part.tail.count('class="ph-drawer"') == 1
        assert "python -m training psm --run small" in part.tail
        for name in section.files:
            assert f"psm/{name}" in part.tail


def test_the_page_names_no_folder_of_the_machine(run):
    assert str(run.path.parent) not in everything(folders(run)[0])


def test_vectors_can_be_saved(run, tmp_path):
    (saved, gguf) = copies(folders(run)[0])
    assert Path(saved).name == "phoque-toxic-vectors.safetensors"
    assert Path(saved).read_bytes() == b"vectors"
    assert gguf is None
    assert copies(folders(RunDirectory(tmp_path))[0]) == [None, None]


def test_the_cell_behind_the_choice_is_found():
    found = psm_files.selection()
    chosen = found["selected"] | {"relative_dose": 0.39}
    assert verdict.nearest(found["cells"], chosen)["dose"] == 0.4
