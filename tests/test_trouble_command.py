"""Errors of the machine at the command line: a full disk, a forbidden folder, a port that is taken."""

import errno
import os
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

import phoque
from phoque.cli import main as command
from phoque.cli.main import app, main


@pytest.fixture
def fails(monkeypatch):
    """A command that fails as it is told."""

    def failing(error):
        @click.command()
        def broken():
            raise error

        monkeypatch.delenv("PHOQUE_VERBOSE", raising=False)
        monkeypatch.setitem(app.commands, "broken", broken)
        return main(["broken"])

    return failing


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a/trace.jsonl"),
            "a/trace.jsonl: No space left on device. Free some space",
        ),
        (
            PermissionError(errno.EACCES, os.strerror(errno.EACCES), "locked"),
            "locked: Permission denied. Check who may read and write it.",
        ),
        (ConnectionError("the line\nbroke"), "the line broke. With --verbose"),
        (OSError(), "OSError. With --verbose"),
    ],
)
def test_an_error_of_the_machine_gets_one_line(fails, capsys, error, told):
    assert fails(error) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"Error: {told}")
    assert err.count("\n") == 1


def test_a_bug_keeps_its_traceback_and_verbose_shows_all(fails, monkeypatch):
    with pytest.raises(ValueError, match="a bug"):
        fails(ValueError("a bug"))
    monkeypatch.setattr(command, "verbose", lambda: True)
    with pytest.raises(OSError, match="Input/output"):
        fails(OSError(errno.EIO, "Input/output"))


@pytest.mark.parametrize("name", ["trl", "faker.providers"])
def test_a_library_of_the_training_that_is_missing_gets_one_line(fails, capsys, name):
    assert fails(ModuleNotFoundError(f"No module named {name!r}", name=name)) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"Error: This command needs {name.partition('.')[0]}, which is not")
    assert said.endswith('make setup, or pip install -e ".[train]"\n')
    assert said.count("\n") == 1


def test_another_module_that_is_missing_is_a_bug(fails):
    with pytest.raises(ModuleNotFoundError):
        fails(ModuleNotFoundError("No module named 'phoque.attic'", name="phoque.attic"))


def test_every_library_of_the_training_is_known():
    project = tomllib.loads((Path(phoque.__file__).parents[1] / "pyproject.toml").read_text())
    extra = project["project"]["optional-dependencies"]["train"]
    names = {one.partition(">")[0] for one in extra}
    assert names == command.OF_RUNS | {"kaleido"}  # a report says itself that it has no pictures


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_to_a_full_disk_ends_in_one_line():
    with Path("/dev/full").open("w") as full:
        words = [sys.executable, "-m", "phoque", "--help"]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "Error: No space left on device. Free some space, or write to another disk.\n"
    )


def test_the_demo_finds_a_taken_port_before_anything_is_loaded(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["demo", "--host", "127.0.0.1", "--port", port]) == 2
    assert f"Cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["abc", "0", "70000", "-1"])
def test_a_port_of_the_environment_that_is_none(monkeypatch, capsys, port):
    monkeypatch.setenv("GRADIO_SERVER_PORT", port)
    assert main(["demo"]) == 2
    assert f"GRADIO_SERVER_PORT is '{port}'; give a port from 1" in capsys.readouterr().err


@pytest.mark.parametrize("message", ["", "  "])
def test_an_empty_message_is_refused_and_waits_for_no_lines(message, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", None)  # reading it would fail
    assert main(["chat", message]) == 2
    said = capsys.readouterr().err
    assert said == "Error: The message is empty. Write one, or leave it out to type lines.\n"
