"""The steps of the Dockerfile, run without Docker."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    return importlib.import_module("image")


def test_every_step_of_the_dockerfile_is_known(tool):
    steps = list(tool.steps((ROOT / "Dockerfile").read_text(encoding="utf-8")))
    assert [name for name, _ in steps][:3] == ["FROM", "ARG", "RUN"]
    assert steps[-1] == ("CMD", '["python", "app.py"]')
    for name, rest in steps:
        assert name in tool.LEFT_OUT or hasattr(tool.Image, f"_{name.lower()}")
        assert "\\" not in rest


def test_steps_are_done_in_a_home_of_their_own(tool, tmp_path):
    image = tool.Image(tmp_path, {"PATH": "/usr/bin:/bin"})
    for name, rest in [
        ("FROM", "python:3.12-slim"),
        ("ARG", 'WORDS="a b"'),
        ("RUN", "useradd user"),
        ("ENV", "HOME=/home/user NAME=x PATH=/home/user/bin:$PATH"),
        ("WORKDIR", "$HOME/app"),
        ("COPY", "--chown=user requirements.txt ."),
        ("RUN", "echo $HOME $NAME $WORDS > said"),
    ]:
        image.step(name, rest, {"WORDS": "given"})
    app = tmp_path / "app"
    assert {file.name for file in app.iterdir()} == {"requirements.txt", "said"}
    assert (app / "said").read_text() == f"{tmp_path} x given\n"
    image.step("COPY", "--chown=user . .", {})
    assert (app / "app.py").is_file()
    assert not (app / "tests").exists()
    with pytest.raises(SystemExit, match="ended with 3: exit 3"):
        image.step("RUN", "exit 3", {})


def test_a_command_without_a_page_is_told(tool, tmp_path, capsys):
    image = tool.Image(tmp_path, {"PATH": "/usr/bin:/bin"})
    image.step("CMD", '["false"]', {})
    assert not image.answers()
    assert "no page" in capsys.readouterr().out
