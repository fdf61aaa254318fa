"""A folder of a run is old or new, never half, whatever ends the process."""

import errno
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from phoque.errors import PhoqueError
from phoque.files import replaced_folder
from phoque.pipeline.choice import choose
from phoque.pipeline.running import (
    run_pipeline,
)
from tests.toy_stages import ORDER, a_run, stages


@pytest.fixture
def run(tmp_path):
    return a_run(tmp_path)


def test_what_a_person_put_into_a_stage_stays_when_it_is_made_again(run):
    make = partial(run_pipeline, run, choose(ORDER, only=["first"]), stages(run)[0])
    make()
    (run.path / "first" / "labels.jsonl").write_text("a verdict")
    (run.path / "first" / "half.txt").unlink()
    make()
    assert (run.path / "first" / "labels.jsonl").read_text() == "a verdict"
    assert "first/labels.jsonl" not in run.manifest().stages["first"].outputs
    make()
    assert (run.path / "first" / "labels.jsonl").is_file()


def test_a_stage_that_wrote_nothing_replaces_nothing(run):
    run_pipeline(run, choose(ORDER, only=["first"]), stages(run)[0])
    empty = run.stage("first", run.path / "first", seeds=[1])
    with pytest.raises(PhoqueError, match="Nothing was written"), empty:
        pass
    assert run.complete("first")


def test_a_folder_is_old_or_new_wherever_the_process_was_killed(tmp_path):
    folder = tmp_path / "stage"
    with replaced_folder(folder) as partial:
        (partial / "a").write_text("old")
    # Killed between its two renames.
    folder.replace(tmp_path / "stage.old.partial")
    with pytest.raises(RuntimeError), replaced_folder(folder) as partial:
        raise RuntimeError
    assert (folder / "a").read_text() == "old"
    with replaced_folder(folder, made=["a"]) as partial:
        (partial / "b").write_text("new")
    assert [file.name for file in folder.iterdir()] == ["b"]
    # What a killed process left is gone, too.
    assert [file.name for file in tmp_path.iterdir()] == ["stage"]


@pytest.fixture(params=[0o022, 0o002, 0o077])
def umask(request):
    """A umask of the process, for the time of a test."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_weights_can_be_read_by_all_who_can_read_the_other_files(tmp_path, run, umask):
    with replaced_folder(tmp_path / "out") as folder:
        write_weights(folder)
    for name, in_place in (("first", False), ("second", True)):
        with run.stage(name, run.path / name, seeds=[1], in_place=in_place) as folder:
            write_weights(folder)
    modes = [one.stat().st_mode & 0o777 for one in tmp_path.rglob("w.safetensors")]
    assert modes == [0o666 & ~umask] * 3
    assert not [*tmp_path.rglob("*.partial")]


def write_weights(folder):
    save_file({"weight": torch.zeros(2)}, folder / "w.safetensors")


def test_two_processes_do_not_write_one_folder(tmp_path):
    folder = tmp_path / "stage"
    code = (
        "import sys; from pathlib import Path; from phoque.files import replaced_folder\n"
        "with replaced_folder(Path(sys.argv[1])) as own:\n"
        "    (own / 'a').write_text('first'); print('begun', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as first:
        assert first.stdout.readline() == b"begun\n"
        with (
            pytest.raises(PhoqueError, match=r"Another process is writing .*stage"),
            replaced_folder(folder),
        ):
            pass
        first.communicate()
    assert (folder / "a").read_text() == "first"
    with replaced_folder(folder) as own:
        (own / "a").write_text("second")
    assert (folder / "a").read_text() == "second"


def test_locks_lie_in_one_folder_that_is_the_users_own(tmp_path, monkeypatch):
    (temporary := tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    for name in ("a", "b"):
        with replaced_folder(tmp_path / name) as folder:
            (folder / "file").touch()
    [locks] = temporary.iterdir()
    assert locks.name == f"phoque-locks-{os.getuid()}"
    assert locks.stat().st_mode & 0o777 == 0o700
    assert len([*locks.iterdir()]) == 2


def test_locks_are_not_put_where_a_link_leads(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"phoque-locks-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(PhoqueError, match=r"belongs to somebody else\. .* with TMPDIR\."),
        replaced_folder(tmp_path / "out"),
    ):
        pass


def test_a_folder_is_written_where_nothing_can_be_locked(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("phoque.files.FileLock", full)
    with replaced_folder(tmp_path / "stage") as own:
        (own / "a").write_text("new")
    assert (tmp_path / "stage" / "a").read_text() == "new"


def test_a_folder_behind_a_link_is_replaced_and_the_link_stays(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "stage"
    link.symlink_to("elsewhere")
    for text in ("first", "second"):
        with replaced_folder(link) as own:
            (own / "a").write_text(text)
        assert (tmp_path / "elsewhere" / "a").read_text() == text
    assert link.is_symlink()
    assert {one.name for one in tmp_path.iterdir()} == {"elsewhere", "stage"}


@pytest.mark.parametrize("name", [".", "..", "a/.."])
def test_the_current_folder_is_not_replaced(name):
    with pytest.raises(PhoqueError, match="where the command runs"), replaced_folder(Path(name)):
        pass
