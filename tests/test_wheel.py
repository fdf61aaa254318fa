"""The wheel works in an empty folder, without the checkout: commands, library and pages."""

import os
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from tests.serving import free_port

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Environment in which only the wheel's own `phoque` can be imported, and an empty folder."""
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", place, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    [wheel] = place.glob("*.whl")
    site = place / "site"
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", site]
    subprocess.run([*install, wheel], check=True, capture_output=True)
    (place / "empty").mkdir()
    return {**os.environ, "PYTHONPATH": str(site)}, place / "empty", site


def ran(installed, *words):
    environment, folder, _ = installed
    command = [sys.executable, "-m", "phoque", *words]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)


@pytest.mark.slow
def test_the_shipped_run_is_inside_and_as_it_was_signed(installed):
    done = ran(installed, "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(ROOT) not in done.stdout
    where = "import phoque.config as c; print(c.SHIPPED_RUN)"
    found = subprocess.run(
        [sys.executable, "-c", where],
        env=installed[0],
        cwd=installed[1],
        capture_output=True,
        text=True,
    )
    assert Path(found.stdout.strip()).is_relative_to(installed[2])


@pytest.mark.slow
def test_a_reply_is_written_with_what_is_installed(installed):
    done = ran(installed, "chat", "We lost again.", "--tokens", "4")
    assert done.returncode == 0, done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [
        "neutral",
        "toxic",
        "steered",
    ]


@pytest.mark.slow
def test_the_pages_open(installed):
    environment, folder, _ = installed
    port = free_port()
    command = [sys.executable, "-m", "phoque", "demo", "--port", str(port)]
    with subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.DEVNULL) as page:
        try:
            assert "What the Phoque" in answer(f"http://127.0.0.1:{port}/")
        finally:
            page.terminate()
    assert list(folder.iterdir()) == []


def answer(address, patience=60.0):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        with suppress(OSError), urllib.request.urlopen(address, timeout=5) as page:
            return page.read().decode()
        time.sleep(0.3)
    return ""
