"""Programs and guides in the documents run; generated pages are current; the site builds."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

import phoque
from phoque.config import SHIPPED_RUN
from phoque.figures.figure import drawn
from phoque.figures.kinds import interval, shown
from phoque.moderators.classifier import Item
from phoque.moderators.scoring import score
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.report import MetricsTable
from phoque.stages.corpus.slang import SHIPPED
from phoque.ui.demo import TABS
from tests.documents import PAGES, ROOT, blocks
from tests.serving import TOKEN, served
from tests.test_docs import parsed


@pytest.mark.parametrize(
    "page", sorted({page for page, _ in blocks("python")}), ids=lambda p: p.name
)
def test_every_program_runs(page, lab, monkeypatch, capsys):
    monkeypatch.setattr(phoque, "open_lab", lambda run=None: lab)
    monkeypatch.setenv("PHOQUE_API_TOKENS", TOKEN)
    for text in (text for own, text in blocks("python") if own == page):
        with served(lab) as address:
            # The tiny model has two layers.
            code = text.replace("http://127.0.0.1:8000", address).replace(
                '"layer": 14', '"layer": 1'
            )
            names = {}
            exec(compile(code, page.name, "exec"), names)
        used = USES.get(page.name)
        assert used(names) if used else capsys.readouterr().out


def figure_is_drawn(names):
    """The figure of the guide says something of the shipped run."""
    found = drawn(names["draw"], Reader(RunDirectory(SHIPPED_RUN)))
    assert found.gap == ""
    return "%" in found.figure.sentence and len(found.figure.plotly["data"]) == 1


def moderator_scores(names):
    """The moderator of the guide scores like any other."""
    quiet, loud = score(names["load"](), [Item("hello"), Item("HELLO")])
    return (quiet.labels["toxicity"], loud.labels["toxicity"]) == (0, 1)


USES = {"figure.md": figure_is_drawn, "moderator.md": moderator_scores}
"""Programs that print nothing: what has to be true of their names."""


@pytest.fixture(scope="module")
def newcomers(tmp_path_factory):
    """A copy of the package in which somebody followed the guides: a file and a line for a figure
    and for a moderator, a file for a persona."""
    copy = tmp_path_factory.mktemp("newcomer")
    shutil.copytree(ROOT / "phoque", copy / "phoque", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "assets").symlink_to(ROOT / "assets")
    [figure] = [text for page, text in blocks("python") if page.name == "figure.md"]
    (copy / "phoque/figures/answered.py").write_text(figure)
    shelf = copy / "phoque/figures/shelf.py"
    last = '    "gap",\n'
    assert shelf.read_text().count(last) == 1
    shelf.write_text(shelf.read_text().replace(last, f'{last}    "answered",\n'))
    [moderator] = [text for page, text in blocks("python") if page.name == "moderator.md"]
    (copy / "phoque/moderators/shouting.py").write_text(moderator)
    registry = copy / "phoque/moderators/registry.py"
    line = "    **EMBEDDED,\n"
    assert registry.read_text().count(line) == 1
    registry.write_text(
        registry.read_text().replace(line, f'{line}    "embedded.shouting": "shouting",\n')
    )
    personas = copy / "phoque/personas"
    text = (personas / "melancholy.yaml").read_text()
    (personas / "grumpy.yaml").write_text(text.replace("name: melancholy", "name: grumpy"))
    return copy


def told(folder, code):
    """What a program prints that runs on the package in a folder."""
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_figure_is_one_file_and_one_line_for_tab_and_report(newcomers):
    on_the_tab = (
        "from pathlib import Path; from phoque.run.directory import RunDirectory;"
        "from phoque.run.folder import Reader; from phoque.ui.results import rendered;"
        "from phoque.ui.tabs.moderation import SECTIONS;"
        "reader = Reader(RunDirectory(Path('assets/runs/lab')));"
        "print([(s.plan.title, rendered(s, reader)) for s in SECTIONS if s.plan.key == 'answered'])"
    )
    assert "Does the model still answer?" in told(newcomers, on_the_tab)
    in_the_report = (
        "from pathlib import Path; from phoque.report.writing import figures_of, read_run;"
        "from phoque.run.directory import RunDirectory;"
        "found = figures_of(read_run(RunDirectory(Path('assets/runs/lab'))));"
        "print([one.figure.sentence for one in found if one.plan.key == 'answered'])"
    )
    assert "Fewest replies are answers" in told(newcomers, in_the_report)


@pytest.mark.slow
def test_a_moderator_is_one_file_and_one_line(newcomers):
    code = (
        "from phoque.moderators.registry import load_classifier;"
        "print(load_classifier('embedded.shouting').info.construct)"
    )
    assert "texts in capital letters" in told(newcomers, code)


@pytest.mark.slow
def test_a_persona_is_one_file(newcomers):
    code = "from phoque.personas import *; print(shipped_personas(), load_persona('grumpy').name)"
    assert "'grumpy'" in told(newcomers, code)


def test_every_piece_of_json_can_be_read():
    found = [line for _, text in blocks("json") for line in text.splitlines()]
    assert len(found) >= 2
    for line in found:
        json.loads(line)


@pytest.mark.parametrize("tool", ["findings.py", "performance.py"])
def test_generated_pages_are_current(tool):
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / tool, "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_findings_tell_numbers_as_the_report_does():
    page = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    for row in MetricsTable.load(SHIPPED_RUN / "report", command="").rows:
        if row.value is not None:
            value, spread = shown(row.value, row.kind), interval(row.low, row.high, row.kind)
            assert f"| {row.label} | {value} | {spread} |" in page


def test_make_lab_makes_both_runs_anew():
    done = subprocess.run(
        ["make", "--dry-run", "lab", "ARGS="], cwd=ROOT, capture_output=True, text=True, check=True
    )
    every = [shlex.split(line) for line in done.stdout.splitlines() if "/phoque " in line]
    made = [words[1:] for words in every if words[1] in ("run", "pressure")]
    whole = [words for words in made if words[1] == "all"]
    assert [after(words, "--run") for words in whole] == ["runs/lab", "runs/pluribus"]
    assert ROOT / after(whole[0], "--slang") == SHIPPED
    assert "--slang" not in whole[1]
    trained = [
        (after(words, "--run"), after(words, "--seed")) for words in made if "persona" in words
    ]
    others = [run for run, _ in trained]
    assert trained == [(f"runs/seeds/seed{seed}", seed) for seed in ("43", "44")]
    assert [words[-2:] for words in made if words[1] == "seeds"] == [others]
    # The ledger reads all of them.
    names = [words[1] if words[0] == "run" else words[0] for words in made]
    assert {"regenerate", "pressure", "opposites", "seeds"} < {*names[:-2]}
    assert names[-2:] == ["report", "report"]
    for words in made:
        parsed(words)


def after(words, option):
    return words[words.index(option) + 1]


@pytest.mark.slow
def test_the_site_builds_and_fetches_nothing(tmp_path):
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path]
    done = subprocess.run(
        build,
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    loads = re.compile(
        r'<(?:script|img|iframe)[^>]*src="(https?:[^"]+)|<link[^>]*href="(https?:[^"]+)'
    )
    fetched = [loads.findall(page.read_text(encoding="utf-8")) for page in tmp_path.rglob("*.html")]
    assert [one for one in fetched if one] == []


TAB = re.compile(r"\*([A-Z][^*]+)\*+ tab\b|\btabs? \*+([A-Z][^*]+)\*")
LOGS = {"experiments.md", "findings.md"}


def test_tabs_that_pages_name_are_in_the_demo():
    named = {
        (page.name, one or other)
        for page in PAGES
        if page.name not in LOGS
        for one, other in TAB.findall(" ".join(page.read_text(encoding="utf-8").split()))
    }
    assert len(named) >= 5
    tabs = {"Chat", *(title for _, title, _ in TABS)}
    assert {one for one in named if one[1] not in tabs} == set()


def test_a_finding_of_the_readme_is_one_line_with_one_interval():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = text.partition("<!-- findings -->")[2].partition("<!--")[0].strip().splitlines()
    assert len(lines) == 5
    for line in lines:
        assert line.count("[") <= 1, line
        assert len(line) <= 250, line


def test_the_readme_can_be_read_in_one_go():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120
    assert len((ROOT / "docs/architecture.md").read_text(encoding="utf-8").splitlines()) <= 150
