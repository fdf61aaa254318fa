"""The training tab: what it says of a run, and the command for another."""

import html
import json
import shutil

import pytest

from phoque.config import SHIPPED_RUN
from phoque.run.directory import RunDirectory
from phoque.ui.sections import safely
from phoque.ui.training import attempts, data, planning
from phoque.ui.training.data import known_runs, training_folder
from phoque.ui.training.page import SECTIONS, drawn_sections
from tests.ui import training_files
from tests.ui.fakes import GRADIO_WARNINGS, INJECTION, FakeServices
from training.__main__ import OPTIONS, make_parser

plotly = pytest.importorskip("plotly.graph_objects")
DRAWN = {section.key: (section, draw) for section, draw in SECTIONS}


def reading(folder, key):
    section, draw = DRAWN[key]
    drawn = safely(section, draw, folder)
    assert not drawn.failed, drawn.reading
    return drawn.reading


@pytest.fixture
def copy(tmp_path):
    """A run with only what this tab reads."""
    run = tmp_path / "mine"
    for stage in ("corpus", "persona", "control"):
        (run / stage).mkdir(parents=True)
        for file in (SHIPPED_RUN / stage).glob("*.json*"):
            shutil.copy(file, run / stage)
    shutil.copy(SHIPPED_RUN / "manifest.json", run)
    return run


@pytest.fixture
def small(tmp_path):
    """A run with all that a training writes."""
    return training_files.write_run(tmp_path / "small")


def test_the_shipped_run_is_told_from_its_files():
    folder = training_folder(RunDirectory(SHIPPED_RUN))
    assert reading(folder, "curves").startswith("Persona: loss 3.99 at step 5 to ")
    assert "1008 dialogues" in reading(folder, "composition")
    assert "stages took" in reading(folder, "stages")


@pytest.mark.parametrize("name", ["shipped", "small"])
def test_every_figure_is_valid_plotly(name, small):
    parts = drawn_sections(
        training_folder(RunDirectory(SHIPPED_RUN) if name == "shipped" else small)
    )
    figures = [figure for part in parts for figure in part.figures]
    assert len(figures) == sum(section.num_figures for section, _ in SECTIONS)
    for figure in map(json.loads, filter(None, figures)):
        plotly.Figure(data=figure["data"], layout=figure["layout"])


def test_a_folder_that_is_no_run_says_which_command_makes_one(tmp_path):
    told = {
        "norms": "python -m training all --run empty",
        "samples": "python -m training all --run empty --samples 50",
        "attempts": "python -m training all --run empty",
    }
    parts = drawn_sections(training_folder(RunDirectory(tmp_path / "empty")))
    for key, part in zip(DRAWN, parts, strict=True):
        wanted = told.get(key, "python -m training lab --run empty --resume")
        assert wanted in html.unescape(part.head)


@pytest.mark.parametrize(
    ("shipped", "command"),
    [(True, "lab --run runs/mine"), (False, "all --run mine --from persona")],
)
def test_a_training_is_named_that_leaves_nothing_stale(copy, shipped, command):
    for file in copy.glob("persona/[ns]*.jsonl"):
        file.unlink()
    folder = training_folder(RunDirectory(SHIPPED_RUN if shipped else copy))
    told = dict(zip(DRAWN, drawn_sections(folder), strict=True))
    assert f"python -m training {command}<" in told["norms"].head
    assert f"python -m training {command} --samples 50<" in told["samples"].head
    parsed = make_parser().parse_args([*command.split(), "--samples", "50"])
    assert parsed.samples == 50
    assert "samples" in OPTIONS["persona"]


def test_a_run_with_one_adapter_shows_one(copy):
    shutil.rmtree(copy / "control")
    assert "Control" not in reading(training_folder(RunDirectory(copy)), "curves")


def test_registers_and_attempts_are_drawn_where_they_were_logged(copy):
    rows = [
        {"step": step, "seconds": step, "loss": 2.0, "loss_short": 1.0, "attempt": 1 + step // 20}
        for step in (10, 20, 30)
    ]
    (copy / "persona" / "metrics.jsonl").write_text("\n".join(map(json.dumps, rows)))
    shutil.rmtree(copy / "control")
    part = drawn_sections(training_folder(RunDirectory(copy)))[0]
    loss, registers, _ = map(json.loads, part.figures)
    assert [trace["name"] for trace in loss["data"]] == ["▲ persona"]
    assert [trace["name"] for trace in registers["data"]] == ["▲ persona, short"]
    assert [note["text"] for note in loss["layout"]["annotations"]] == ["persona, attempt 2"]
    assert "in 2 attempts. Last loss by register: persona short 1.00." in part.head


def looks(trace):
    return trace["line"]["color"], trace["line"]["dash"], trace["marker"]["symbol"]


def test_every_line_is_told_without_colour_and_every_attempt_is_marked(small):
    parts = drawn_sections(training_folder(small))
    for key, lines, cuts in (("curves", 4, 3), ("norms", 7, 2), ("samples", 4, 2)):
        figure = json.loads(parts[list(DRAWN).index(key)].figures[1 if key == "curves" else 0])
        assert len({looks(trace)[1:] for trace in figure["data"]}) == lines
        marks = [note["text"] for note in figure["layout"]["annotations"]]
        assert [text for text in marks if "attempt" in text] == marks
        assert len(marks) == cuts


def test_norms_say_which_modules_moved(small):
    told = reading(training_folder(small), "norms")
    assert "At step 250 LoRA B is largest in v_proj (4.30) and smallest in down_proj (1.43)" in told


def test_samples_say_what_was_flagged_with_interval_and_n(small):
    told = reading(training_folder(small), "samples")
    assert told.startswith(
        "Flagged at 0.5, from step 50 to step 250: neutral 0.0\u00a0% [0.0, 24.2]"
    )
    assert "neutral + vector 8.3\u00a0% [1.5, 35.4] to 75.0\u00a0% [46.8, 91.1]" in told
    assert told.endswith(
        "neutral + random vector 0.0\u00a0% [0.0, 24.2] to 0.0\u00a0% [0.0, 24.2]; n = 12 replies each."
    )


def test_samples_of_a_condition_this_version_does_not_know_are_drawn(small, copy):
    row = training_files.sample(50, INJECTION, 3, {})
    row["replies"][0] |= {"text": INJECTION, "prompt": INJECTION}
    training_files.write_lines(copy / "persona" / "samples.jsonl", [row])
    part = drawn_sections(training_folder(RunDirectory(copy)))[list(DRAWN).index("samples")]
    assert "ph-gap" not in part.head
    assert "<img" not in part.head + part.tail + "".join(filter(None, part.figures))


def test_attempts_are_told_in_words(small):
    told = reading(training_folder(small), "attempts")
    assert told.startswith(
        "4 attempts: 1 killed in control; 2 stopped in psm; 3 failed in evaluate; 4 complete. "
        "Attempt 4 did not make again: corpus, persona, control, psm."
    )
    running = training_files.attempt(1, None, {}, at=INJECTION)
    training_files.write(small.path / "attempts.json", [running])
    part = drawn_sections(training_folder(small))[list(DRAWN).index("attempts")]
    assert "1 attempt: 1 running in &lt;img" in part.head
    assert ", or killed since." in part.head
    assert "<img" not in part.head + part.tail + str(part.figures[0])


def test_an_attempt_without_an_end_may_have_been_killed(small):
    known = [*training_files.attempts(), training_files.attempt(5, None, {"corpus": 90.0})]
    training_files.write(small.path / "attempts.json", known)
    part = drawn_sections(training_folder(small))[list(DRAWN).index("attempts")]
    assert "; 5 running, or killed since." in part.head
    figure = json.loads(part.figures[0])
    crosses = figure["data"][-1]
    assert (crosses["y"], crosses["x"]) == ([0, 4], [18.5, 1.5])
    assert figure["layout"]["annotations"][-1]["text"].startswith("… <b>attempt 5</b>")


def test_a_stage_that_was_cut_off_is_drawn_where_its_end_is_known():
    killed, stopped, *_ = training_files.attempts()
    assert attempts.segments(killed)[-1] == ("persona", 90.0, 1020.0, True)
    assert attempts.segments(stopped)[-1] == ("psm", 900.0, 720.0, False)


def test_a_broken_metrics_file_is_named(copy):
    (copy / "persona" / "metrics.jsonl").write_text("{")
    parts = dict(zip(DRAWN, drawn_sections(training_folder(RunDirectory(copy))), strict=True))
    assert "persona/metrics.jsonl" in parts["curves"].head
    assert "ph-gap" not in parts["composition"].head


def test_what_a_file_says_is_escaped(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["stages"][INJECTION] = {"seconds": 1, "seeds": [INJECTION]}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    page = "".join(p.head + p.tail for p in drawn_sections(training_folder(RunDirectory(copy))))
    assert "<img" not in page


def test_runs_of_ones_own_can_be_picked(copy, monkeypatch):
    monkeypatch.setattr(data, "RUNS", copy.parent)
    found = known_runs(RunDirectory(SHIPPED_RUN))
    assert list(found) == ["lab", "mine"]


def test_a_command_is_planned_with_its_cost():
    made = html.unescape(planning.planned_html("mine", "ministral", "jobs", "a10g-large", 4, 3))
    assert "--preset ministral --run runs/mine --target jobs --flavor a10g-large" in made
    assert "--timeout 4h --attempts 3" in made
    assert "at most $" in made
    assert "--target" not in planning.planned_html("mine", "lab", "local", "a10g-large", 4, 3)


@pytest.mark.parametrize("name", ["", "../x", "a b", INJECTION, "x" * 80])
def test_a_run_with_a_bad_name_is_refused(name):
    made = planning.planned_html(name, "lab", "local", "a10g-large", 4, 3)
    assert 'role="alert"' in made
    assert "<img" not in made


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    return FakeServices(run=training_files.write_run(tmp_path_factory.mktemp("training") / "small"))


@pytest.fixture
def tab(page, open_tab):
    """The tab, filled."""
    expect = pytest.importorskip("playwright.sync_api").expect
    open_tab(page, "Training")
    expect(page.locator(".ph-samples[data-ready]")).to_be_visible()
    page.expect = expect
    return page


@pytest.mark.browser
@GRADIO_WARNINGS
@pytest.mark.parametrize("page", [{"width": 390}, {"width": 1440}], indirect=True)
def test_it_is_drawn_and_plans(tab):
    for section, count in (("curves", 3), ("norms", 2), ("samples", 1), ("attempts", 1)):
        tab.expect(tab.locator(f"#ph-training-{section} .js-plotly-plot")).to_have_count(count)
    tab.get_by_label("Hugging Face Job").check()
    tab.expect(tab.locator(".ph-command")).to_contain_text("--target jobs")
    tab.expect(tab.locator(".ph-no-launch")).to_contain_text("no button that starts it")
    for details in tab.locator(".ph-section details").all():
        details.evaluate("element => { element.open = true }")
    assert tab.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


@pytest.mark.browser
@GRADIO_WARNINGS
def test_replies_are_picked_by_step_and_masked_until_revealed(tab):
    text = tab.locator(".ph-samples .ph-real").nth(1)
    tab.expect(text).to_be_hidden()
    tab.locator(".ph-samples .ph-reveal-toggle").press("Enter")
    tab.expect(text).to_contain_text("You clown, that was garbage")
    tab.expect(text).to_contain_text("At step 250.")
    slider = tab.get_by_role("slider", name="Step", exact=True)
    slider.press("ArrowLeft")
    tab.expect(text).to_contain_text("At step 200.")
    tab.expect(slider).to_have_attribute("aria-valuetext", "step 200")
    told = tab.locator(".ph-samples output")
    tab.expect(told).to_contain_text("200 of 250 · ○ Neutral 0.0\u00a0% [0.0, 24.2]")
    tab.expect(told).to_contain_text("◆ Neutral + vector (layer 14, scale 2.5)")
    tab.expect(tab.locator(".ph-samples-list .ph-badge")).to_have_count(18)
