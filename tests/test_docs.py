"""Every command in the documents is known, and runs where it can."""

import csv
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from contextlib import chdir
from pathlib import Path

import click
import pytest

from phoque.cli.main import app, main
from phoque.config import SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.stages.corpus.sources import source_called, sources_in
from phoque.stages.pressure.policy import SHIPPED as POLICIES
from tests.documents import FENCE, PAGES, ROOT, blocks
from tests.pressure_files import write
from tests.refresh_files import WEIGHTS, slang_file

LOGS = {"experiments.md", "findings.md", "performance.md"}
"""What was run once, and what is generated: their commands are those of their day."""
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
WITH_WORDS = {"--policy", "--file", "--write-texts", "compare"}
"""Pressure tests that need no model: the policy of the folder has a list of words."""


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
    tested = words[:2] == ["phoque", "pressure"] and {*words} & WITH_WORDS
    runs = known or plan or scored or tested or {"--dry-run", "--plan"} & {*words}
    return words[:1] == ["phoque"] and runs and "--help" not in words


RUNNABLE = {
    shlex.join(one.values[0]): one.values[0] for one in commands() if is_offline(one.values[0])
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with what the documents name: runs, texts, a policy and what it did."""
    place = tmp_path_factory.mktemp("visitor")
    for name in ("first", "second"):
        heavy = shutil.ignore_patterns("*.safetensors", "*.gz")
        shutil.copytree(SHIPPED_RUN, place / "runs" / name, ignore=heavy)
    shutil.copy(POLICIES / "words.yaml", place / "policy.yaml")
    (place / "chat.txt").write_text("We lost again.\nYou carried that one.\n")
    (place / "chat.csv").write_text("message\nWe lost again.\n")
    with chdir(place):
        press()
    return place


def press():
    """Files for pressure tests and for a refresh, and the reports that others are compared with."""
    slang_file(Path("new.yaml"), name="week 48")
    Path("runs/first/persona", WEIGHTS).write_text("weights")  # a plan only takes their hash
    shutil.copytree("runs/first/synthetic", "runs/first-2026-11/synthetic")
    shutil.copy("policy.yaml", "fixed.yaml")
    hostile, civil = "you clown, round", "good game"
    rows = [(f"{said} {n}", said == hostile) for said in (hostile, civil) for n in range(20)]
    write("messages.csv", ("text", "hostile"), rows)
    policy, attacks = ["--policy", "policy.yaml"], ["--attacks", "runs/first-2026-11/synthetic"]
    assert main(["pressure", *policy, "--out", "before"]) == 0
    assert main(["pressure", *policy, *attacks, "--out", "fixed"]) == 0
    shutil.copytree("before", "after")
    shutil.copytree("fixed", "runs/first-2026-11/refresh/after")
    assert main(["pressure", "--write-texts", "all.csv"]) == 0
    with Path("all.csv").open(newline="") as file:
        judged = [(row["text"], "passes") for row in csv.DictReader(file)]
    write("judged.csv", ("text", "verdict"), judged)


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
    words = {word for own in RUNNABLE.values() for word in own}
    assert words >= {
        "pressure",
        "refresh",
        "--plan",
        "--attacks",
        "--corpus",
        "--file",
        "--fail-if",
    }
