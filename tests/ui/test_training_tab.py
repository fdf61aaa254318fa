"""The training tab: what it says of a run, and the command for another."""

import html
import json
import shutil

import pytest

from phoque.cli.main import main
from phoque.config import SHIPPED_RUN, SHIPPED_RUNS
from phoque.figures import samples as samples_figure
from phoque.figures.curves import train_again
from phoque.figures.figure import drawn
from phoque.figures.shelf import HOW_IT_LEARNED
from phoque.run.adapter import PersonaMetrics, Sample
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.manifest import Made
from phoque.ui.results import rendered
from phoque.ui.tabs.training import SECTIONS, known_runs
from phoque.ui.training import planning
from tests.ui import training_files
from tests.ui.fakes import GRADIO_WARNINGS, INJECTION, FakeServices

plotly = pytest.importorskip("plotly.graph_objects")
PLANS = {plan.key: plan for plan in HOW_IT_LEARNED}


def figure_of(run, key):
    found = drawn(PLANS[key], Reader(run))
    assert found.figure, found.gap
    return found.figure


def page_of(run):
    """What each section shows, by key."""
    return {one.plan.key: rendered.__wrapped__(one, Reader(run)) for one in SECTIONS}


def names(figure):
    return [trace["name"] for trace in figure.plotly["data"]]


def marks(figure):
    return [note["text"] for note in figure.plotly["layout"]["annotations"]]


@pytest.fixture
def shipped():
    return RunDirectory(SHIPPED_RUN)


@pytest.fixture
def copy(tmp_path):
    """A run with only what this tab reads."""
    run = tmp_path / "mine"
    for stage in ("corpus", "persona", "control"):
        (run / stage).mkdir(parents=True)
        for file in (SHIPPED_RUN / stage).glob("*.json*"):
            shutil.copy(file, run / stage)
    shutil.copy(SHIPPED_RUN / "manifest.json", run)
    return RunDirectory(run)


@pytest.fixture
def small(tmp_path):
    """A run with all that a training writes."""
    return training_files.write_run(tmp_path / "small")


def test_the_shipped_run_is_told_from_its_files(shipped):
    assert figure_of(shipped, "loss").sentence.startswith("Persona: loss ")
    assert "Civil adapter: loss " in figure_of(shipped, "loss").sentence
    assert "LoRA B is largest in" in figure_of(shipped, "lora_norms").sentence
    assert "stages took" in figure_of(shipped, "stages").sentence
    assert "dialogues" in figure_of(shipped, "composition").sentence


def test_every_figure_is_valid_plotly(shipped, small):
    for run in (shipped, small):
        for part in page_of(run).values():
            if part.figure:
                figure = json.loads(part.figure)
                plotly.Figure(data=figure["data"], layout=figure["layout"])
    assert [key for key, part in page_of(small).items() if not part.figure] == ["attempts"]


def test_a_folder_that_is_no_run_says_which_command_makes_one(tmp_path):
    told = {
        "composition": "phoque run corpus --run empty",
        "samples": "phoque run all --run empty --samples 50",
        "attempts": "phoque run all --run empty",
        "stages": "phoque run all --run empty",
        "training_seeds": "phoque run seeds --run empty",
    }
    for key, part in page_of(RunDirectory(tmp_path / "empty")).items():
        assert told.get(key, "phoque run persona --run empty") in html.unescape(part.head)


def test_a_shipped_run_is_trained_again_elsewhere_with_its_own_persona():
    told = train_again(Reader(RunDirectory(SHIPPED_RUNS / "pluribus")), "--samples", "50")
    assert told == "phoque run all --run runs/mine --persona pluribus --samples 50"


def test_sections_without_data_name_a_training_that_leaves_nothing_stale(copy, capsys, monkeypatch):
    for file in ("norms.jsonl", "samples.jsonl"):
        (copy.persona / file).unlink()
    told, command = page_of(copy), "all --run mine --from persona"
    assert f"phoque run {command}<" in told["attempts"].head
    assert "attempts.json is missing" in told["attempts"].head
    assert f"phoque run {command} --samples 50<" in told["samples"].head
    assert "norms.jsonl is missing" in told["lora_norms"].head
    monkeypatch.chdir(copy.path.parent)
    assert main(["run", *command.split(), "--samples", "50", "--dry-run"]) == 0
    assert "persona" in capsys.readouterr().out


def test_a_run_with_one_adapter_shows_one(copy):
    shutil.rmtree(copy.control)
    assert {name.partition(",")[0] for name in names(figure_of(copy, "loss"))} == {"▲ persona"}


def test_styles_and_attempts_are_drawn_where_they_were_logged(copy):
    rows = [
        {"step": at, "seconds": at, "loss": 2.0, "attempt": 1 + at // 20, "loss_by_style": styles}
        for at, styles in ((10, {"chat": 1.0}), (20, {"chat": 1.0}), (30, {}))
    ]
    (copy.persona / "metrics.jsonl").write_text("\n".join(map(json.dumps, rows)))
    shutil.rmtree(copy.control)
    loss = figure_of(copy, "loss")
    assert names(loss) == ["▲ persona", "▲ persona, chat"]
    assert marks(loss) == ["persona, attempt 2"]
    assert (
        "at step 30 (replies to the persona's prompt alone, at step 20: chat 1.00)" in loss.sentence
    )
    assert ", 0 tokens in 0 minutes, in 2 attempts." in loss.sentence


def looks(trace):
    return trace["line"]["color"], trace["line"]["dash"], trace["marker"]["symbol"]


@pytest.mark.parametrize(
    ("key", "lines", "cuts"),
    [("loss", 6, 3), ("grad_norm", 2, 3), ("lora_norms", 7, 2), ("samples", 4, 2)],
)
def test_every_line_is_told_without_colour_and_every_attempt_is_marked(small, key, lines, cuts):
    figure = figure_of(small, key)
    assert len({looks(trace)[1:] for trace in figure.plotly["data"]}) == lines
    assert [text for text in marks(figure) if "attempt" in text] == marks(figure)
    assert len(marks(figure)) == cuts


def test_norms_say_which_modules_moved(small):
    told = figure_of(small, "lora_norms").sentence
    assert "At step 250 LoRA B is largest in v_proj (4.30) and smallest in down_proj (1.43)" in told
    assert "ph-gap" not in page_of(small)["lora_norms"].head


def test_samples_say_what_was_flagged_with_interval_and_n(small):
    told = figure_of(small, "samples").sentence
    assert told.startswith(
        "Share of replies flagged (from a score of 0.5 on), at step 50 and at step 250: neutral prompt from 0.0\u00a0% [0.0, 24.2]"
    )
    assert "neutral + vector from 8.3\u00a0% [1.5, 35.4] to 75.0\u00a0% [46.8, 91.1]" in told
    assert told.endswith(
        "neutral + random vector from 0.0\u00a0% [0.0, 24.2] to 0.0\u00a0% [0.0, 24.2] (n = 12 each)."
    )


def test_samples_of_a_persona_counted_by_its_words_say_so(small):
    reader = Reader(small)
    rows = [row.model_copy(update={"flagged_by": "words"}) for row in reader.rows(Sample)]
    told = samples_figure.draw(rows)
    assert told.sentence.startswith("Share of replies with a word of its list, at step 50")
    assert told.finding.startswith("After 250 steps its words are in ")


def test_the_finding_counts_replies_of_the_last_step(small):
    told = figure_of(small, "samples").finding
    assert told.startswith("After 250 steps a moderator flags ")
    assert told.endswith(
        " of 12 replies under the persona's prompt, 9 of 12 under neutral + vector and 0 of 12 under the neutral prompt."
    )


def everything(part):
    return part.head + part.tail + str(part.figure)


def test_samples_of_a_condition_this_version_does_not_know_are_drawn(copy):
    row = training_files.sample(50, INJECTION, 3)
    reply = row.replies[0].model_copy(update={"text": INJECTION, "prompt": INJECTION})
    Sample.save_rows(copy.persona, [row.model_copy(update={"replies": (reply, *row.replies[1:])})])
    part = page_of(copy)["samples"]
    assert "ph-gap" not in part.head
    assert "<img" not in everything(part)


def test_a_broken_metrics_file_is_named(copy):
    (copy.persona / PersonaMetrics.FILE).write_text("{")
    parts = page_of(copy)
    assert "persona/metrics.jsonl" in parts["loss"].head
    assert "ph-gap" in parts["loss"].head
    assert "ph-gap" not in parts["stages"].head


def test_it_says_how_much_of_what_was_learned_is_saved(copy):
    assert "the saved adapter has 0.9 of it." in page_of(copy)["samples"].tail
    copy.describe(stages={"persona": Made(settings={"strength": 1.0})})
    assert "saved adapter has" not in page_of(copy)["samples"].tail


def test_what_a_file_says_is_escaped(copy):
    made = {INJECTION: Made(seconds=1, commit=INJECTION, finished=INJECTION)}
    copy.describe(model=INJECTION, stages=copy.manifest().stages | made)
    assert "<img" not in "".join(map(everything, page_of(copy).values()))


def test_runs_of_ones_own_can_be_picked(shipped, copy, monkeypatch):
    monkeypatch.setattr("phoque.ui.tabs.training.RUNS", copy.path.parent)
    assert list(known_runs(shipped)) == ["lab", "mine"]


def test_a_command_is_planned_with_its_cost():
    made = html.unescape(planning.planned_html("mine", "ministral", "jobs", "a10g-large", 4, 3))
    assert "--model ministral --run runs/mine --target jobs --flavor a10g-large" in made
    assert "--timeout 4h --attempts 3" in made
    assert "at most $" in made
    assert "--target" not in planning.planned_html("mine", "lab", "local", "a10g-large", 4, 3)


def test_the_time_of_a_run_is_that_of_the_longest_shipped_one(tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "SHIPPED_RUN", tmp_path / "lab")
    plan = ("mine", "lab", "local", "a10g-large", 4, 3)
    assert "took" not in planning.planned_html(*plan)
    for name, seconds in (("lab", 600), ("other", 5400)):
        stages = {"psm": {"seconds": seconds}, "opposites": {"seconds": 9000}}
        (tmp_path / name).mkdir()
        text = json.dumps({"schema_version": 1, "stages": stages})
        (tmp_path / name / "manifest.json").write_text(text)
    assert "took 1 h 30 min on two cores; some" in planning.planned_html(*plan)


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
    open_tab(page, "How it learned")
    expect(page.locator(".ph-samples[data-ready]")).to_be_visible()
    page.expect = expect
    return page


@pytest.mark.browser
@GRADIO_WARNINGS
@pytest.mark.parametrize("page", [{"width": 390}, {"width": 1440}], indirect=True)
def test_it_is_drawn_and_plans(tab):
    for section in PLANS.keys() - {"attempts"}:
        drawing = tab.locator(f"#ph-section-{section} .js-plotly-plot")
        tab.expect(drawing).to_have_count(1, timeout=20_000)
    tab.get_by_label("Hugging Face Job").check()
    tab.expect(tab.locator(".ph-command")).to_contain_text("--target jobs")
    tab.expect(tab.locator(".ph-no-launch")).to_contain_text("not a Space with a login")
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
    tab.expect(told).to_contain_text("200 of 250 · ○ Neutral prompt 0.0\u00a0% [0.0, 24.2]")
    tab.expect(told).to_contain_text("◆ Neutral + vector (layer 14, scale 2.5)")
    tab.expect(tab.locator(".ph-samples-list .ph-badge")).to_have_count(18)
