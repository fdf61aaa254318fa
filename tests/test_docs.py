"""Every command and every program in the documents is known, and runs where it can."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

import phoque
from phoque.cli.main import app, main
from phoque.config import SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.figures.figure import drawn
from phoque.figures.kinds import interval, shown
from phoque.moderators.classifier import Item
from phoque.moderators.scoring import score
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.report import MetricsTable
from phoque.stages.corpus.building import sources_in
from phoque.stages.corpus.sources import source_called
from phoque.stages.pressure.policy import SHIPPED as POLICIES
from tests.serving import TOKEN, served

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
LOGS = {"experiments.md", "findings.md", "performance.md"}
"""What was run once, and what is generated: their commands are those of their day."""
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:phoque|make|pytest|python|pip|docker|hf|accelerate) [^`]+)`")
NAMED = re.compile(r"(phoque|python -m training)( \w+)*")
"""A command that is only called by its name."""
SUBSTITUTION = re.compile(r"\$\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OFFLINE = (
    ("phoque", "chat"),
    ("phoque", "verify"),
    ("phoque", "completion"),
    ("phoque", "report"),
    ("phoque", "compare"),
    ("phoque", "--version"),
)
"""Beginnings of commands that are run; the others train, serve or need the network."""


def blocks(language):
    """Every block of a language, with its page, without the indent of a list."""
    for page in PAGES:
        for indent, name, text in FENCE.findall(page.read_text(encoding="utf-8")):
            if name == language:
                yield page, re.sub(f"^{indent}", "", text, flags=re.MULTILINE)


def commands():
    """Every command, in blocks and in sentences."""
    found = [(page, line) for page, text in blocks("bash") for line in lines(text)]
    found += [
        (page, f"{line} --help" if NAMED.fullmatch(line) else line)
        for page in PAGES
        if page.name not in LOGS
        for line in INLINE.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    ]
    for page, line in found:
        for words in split(line):
            yield pytest.param(words, id=f"{page.name}: {shlex.join(words)}"[:110])


def lines(text):
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def split(line):
    """Each program of a line with its arguments: in pipes, after `&&`, inside `$(…)`."""
    for inner in SUBSTITUTION.findall(line):
        yield from split(inner)
    lexer = shlex.shlex(SUBSTITUTION.sub("VALUE", line), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words, rest = [], iter([*lexer, "&&"])
    for word in rest:
        if word == ">":
            next(rest)  # the name of a file
        elif set(word) <= set("|&;"):
            yield words
            words = []
        else:
            words.append(word)


def checked(words):
    """Fail where a command is not what the project or its environment knows."""
    word, *rest = words
    assert word in PROGRAMS, f"this test knows nothing of: {shlex.join(words)}"
    PROGRAMS[word](rest)


def of_python(words):
    match words:
        case ["-m", "phoque", *rest]:
            parsed(rest)
        case ["-m", "training", *rest]:
            parsed(["run", *rest])
        case ["-c", code]:
            compile(code, "<docs>", "exec")
        case [script, *_]:
            assert script == "-m" or (ROOT / script).is_file()


def of_accelerate(words):
    assert words[:2] == ["launch", "--config_file"]
    assert (ROOT / words[2]).is_file()
    of_python(words[3:])


def of_make(words):
    made = ["make", "--dry-run", "--directory", ROOT, *words]
    done = subprocess.run(made, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def of_pytest(words):
    assert [one for one in words if "/" in one and not (ROOT / one).exists()] == []


def parsed(words):
    """Read a command line as the program itself would."""
    if not words or words == ["--version"]:
        return
    words = ["psm" if word == "STAGE" else word for word in words]
    context = app.make_context("phoque", words)
    while isinstance(context.command, click.Group):
        left = [*context._protected_args, *context.args]
        if not left and context.command.invoke_without_command:
            return
        name, command, rest = context.command.resolve_command(context, left)
        if rest[:1] == ["--help"]:
            return
        context = command.make_context(name, rest, parent=context)
    for name, _ in sources_in(context.params.get("source", ()), "toxic")[0]:
        source_called(name)


def installed(words):
    extras = EXTRAS["optional-dependencies"]
    for word in words:
        named = re.search(r"\[(.+)\]", word)
        assert not named or set(named[1].split(",")) <= extras.keys(), word


def passed(words):
    """The shell, and programs of others."""


PROGRAMS = {
    "phoque": parsed,
    "python": of_python,
    "accelerate": of_accelerate,
    "make": of_make,
    "pytest": of_pytest,
    "pip": installed,
} | dict.fromkeys(["python3", "hf", "docker", "curl", "cat", "export", "eval", "."], passed)


@pytest.mark.parametrize("words", list(commands()))
def test_every_command_is_known(words):
    checked(words)


@pytest.mark.parametrize(
    "line",
    [
        "phoque runn all",
        "phoque run all --rnu x",
        "phoque chat 'Hello.' --seed many",
        "phoque run corpus --run runs/x --source gossip=x.csv",
        "phoque chat Hello. && phoque jobs begin x",
        "make everything",
        "pytest tests/test_none.py",
        "python tools/none.py",
        'pip install -e ".[none]"',
        "npm install phoque",
        'eval "$(phoque completion tcsh)"',
    ],
)
def test_a_wrong_command_is_found(line):
    with pytest.raises((AssertionError, click.ClickException, PhoqueError)):
        [checked(words) for words in split(line)]


def is_offline(words):
    plan = "--target" in words and "--yes" not in words
    known = any(tuple(words[: len(one)]) == one for one in OFFLINE)
    scored = words[:2] == ["phoque", "score"] and "--classifier" not in words
    runs = known or plan or scored or "--dry-run" in words
    return words[:1] == ["phoque"] and runs and "--help" not in words


RUNNABLE = {
    shlex.join(one.values[0]): one.values[0] for one in commands() if is_offline(one.values[0])
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with what the documents name: two runs and some texts."""
    place = tmp_path_factory.mktemp("visitor")
    for name in ("first", "second"):
        heavy = shutil.ignore_patterns("*.safetensors", "neuronpedia", "*.gz")
        shutil.copytree(SHIPPED_RUN, place / "runs" / name, ignore=heavy)
    shutil.copy(POLICIES / "words.yaml", place / "policy.yaml")
    (place / "chat.txt").write_text("We lost again.\nYou carried that one.\n")
    (place / "chat.csv").write_text("message\nWe lost again.\n")
    return place


@pytest.mark.slow
@pytest.mark.parametrize("words", [pytest.param(w, id=line[:90]) for line, w in RUNNABLE.items()])
def test_a_command_that_needs_no_network_works(words, place, tiny_run, monkeypatch, capfd):
    monkeypatch.chdir(place)
    monkeypatch.setattr("phoque.opening.SHIPPED_RUN", tiny_run.path)
    with (place / "chat.txt").open() as typed:
        monkeypatch.setattr(sys, "stdin", typed)
        assert main(words[1:]) == 0, capfd.readouterr().err
    assert capfd.readouterr().out


def test_every_kind_of_command_is_run_by_one_in_the_documents():
    kinds = {words[1] for words in RUNNABLE.values()}
    assert kinds >= {"chat", "score", "verify", "report", "compare", "completion", "run"}


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
    found = drawn(names["PLAN"], Reader(RunDirectory(SHIPPED_RUN)))
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
    """A copy of the package in which somebody followed the guides: a file and a line for a figure,
    a file for a persona."""
    copy = tmp_path_factory.mktemp("newcomer")
    shutil.copytree(ROOT / "phoque", copy / "phoque", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "assets").symlink_to(ROOT / "assets")
    [figure] = [text for page, text in blocks("python") if page.name == "figure.md"]
    (copy / "phoque/figures/answered.py").write_text(figure)
    shelf = copy / "phoque/figures/shelf.py"
    last = '    "gap",\n'
    assert shelf.read_text().count(last) == 1
    shelf.write_text(shelf.read_text().replace(last, f'{last}    "answered",\n'))
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
        "from phoque.ui.tabs.moderation import sections;"
        "reader = Reader(RunDirectory(Path('assets/runs/lab')));"
        "print([(s.plan.title, rendered(s, reader)) for s in sections() if s.plan.key == 'answered'])"
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
        ["make", "--dry-run", "lab"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    made = [shlex.split(line) for line in done.stdout.splitlines() if "phoque run all" in line]
    runs = [words[words.index("--run") + 1] for words in made]
    assert runs == ["runs/lab", "runs/pluribus"]


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


def test_the_readme_can_be_read_in_one_go():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120
    assert len((ROOT / "docs/architecture.md").read_text(encoding="utf-8").splitlines()) <= 150
