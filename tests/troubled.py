"""The app on a machine in trouble: `python -m tests.troubled TROUBLE…` is app.py under all of them."""

import errno
import os
import pwd
import resource
import runpy
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path

ROOT = Path(__file__).parent.parent
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
YEAR = 365 * 24 * 3600.0
PATIENCE_SECONDS = 90.0
"""A slow machine imports for a while."""


def read_only() -> None:
    """Nothing can be written anywhere, not even a folder for temporary files."""

    def refuse(event: str, given: tuple) -> None:
        opened = event == "open" and isinstance(given[0], str | bytes) and given[2] & WRITING
        if (opened and not os.fsdecode(given[0]).startswith("/dev/")) or event in CHANGES:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    sys.addaudithook(refuse)


def full_disk() -> None:
    """Files can be made, and not a byte goes into them: the kernel refuses it."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def no_home() -> None:
    """A user whom the machine does not know, as in many containers."""

    def unknown(number: int) -> None:
        raise KeyError(number)

    pwd.getpwuid = unknown
    os.environ.pop("HOME", None)


def clock_jumps() -> None:
    """Once the page is up, whoever looks at the clock sees it a year ahead, a year back, or right."""
    right, jumps = time.time, cycle((0.0, YEAR, -YEAR))

    def begin() -> None:
        port = int(os.environ["GRADIO_SERVER_PORT"])
        while True:
            time.sleep(0.05)
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
        time.sleep(1)  # Gradio gives its own server five seconds by this clock
        time.time = lambda: right() + next(jumps)

    threading.Thread(target=begin, daemon=True).start()


TROUBLES = {one.__name__: one for one in (read_only, full_disk, no_home, clock_jumps)}
AT_ONCE = (("read_only",), ("full_disk",), ("no_home", "clock_jumps"))
"""Every trouble once; those that have nothing to do with each other come together."""


@contextmanager
def app(troubles: Sequence[str], folder: Path, **settings: str) -> Iterator[str]:
    """The address of the app under troubles; afterwards: it said nothing of an error.

    Args:
        troubles: their names, one of `AT_ONCE`.
        folder: the app's home, empty.
        settings: further variables of its environment.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    python = shutil.which(sys.executable) or sys.executable
    process = subprocess.Popen(
        [python, "-m", "tests.troubled", *troubles],
        cwd=ROOT,
        env=_environment(port, folder) | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        up = _answers(address, process)
        if up:
            yield address
    finally:
        process.terminate()
        said = process.communicate(timeout=60)[0]
    assert up, said
    assert "Traceback" not in said, said


def _environment(port: int, folder: Path) -> Mapping[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GRADIO_SERVER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _answers(address: str, process: subprocess.Popen) -> bool:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(address, timeout=10) as page:
            return b"gradio" in page.read()
        time.sleep(0.5)
    return False


if __name__ == "__main__":
    for name in sys.argv[1:]:
        TROUBLES[name]()
    sys.argv = ["app.py"]
    runpy.run_path(str(ROOT / "app.py"), run_name="__main__")
