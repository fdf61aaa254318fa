"""The folder that is deployed as a Space: complete, without secrets, and it starts."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("space", ROOT / "tools/space.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def built(tool, tmp_path_factory):
    folder = tmp_path_factory.mktemp("space") / "folder"
    tool.build(folder)
    return folder


@pytest.fixture
def folder(built, tmp_path):
    """A copy to spoil."""
    return Path(shutil.copytree(built, tmp_path / "copy"))


def test_the_folder_has_the_app_and_nothing_else(tool, built):
    assert {path.name for path in built.iterdir()} == {*tool.DEPLOYED, ".gitattributes"}
    assert list(tool.faults(built)) == []


def spoil_secret(folder):
    (folder / "assets" / "note.txt").write_text("token = hf_" + "a1" * 17)


def spoil_private(folder):
    (folder / ".env").write_text("")


def spoil_size(folder):
    (folder / "assets" / "film.webm").write_bytes(b"0" * (11 * 2**20))


def spoil_version(folder):
    file = folder / "requirements.txt"
    file.write_text(file.read_text().replace("gradio==", "gradio<"))


def spoil_python(folder):
    file = folder / "README.md"
    file.write_text(file.read_text().replace('python_version: "3.12"', "python_version: 3.12"))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_secret, "note.txt holds what looks like a secret"),
        (spoil_private, ".env is a private file"),
        (spoil_size, "film.webm is larger than 10 MiB"),
        (spoil_version, "does not pin gradio"),
        (spoil_python, "has to be in quotes"),
    ],
)
def test_what_would_not_do_is_named(tool, folder, spoil, said):
    spoil(folder)
    assert any(said in line for line in tool.faults(folder))


def test_a_folder_with_files_is_left_alone(tool, folder):
    with pytest.raises(SystemExit, match="is not empty"):
        tool.build(folder)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_it_starts_where_it_may_write_nowhere_but_at_home(tool, built):
    assert tool.started(built, sys.executable) == []


@pytest.mark.slow
def test_an_app_that_does_not_start_is_found_with_what_it_said(tool, folder):
    (folder / "app.py").write_text("open('written', 'w')\n")
    [line] = tool.started(folder, sys.executable)
    assert "gave no page" in line
    assert "PermissionError" in line
