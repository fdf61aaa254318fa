"""Build the folder that is deployed as a Space, check it, and start it as a Space would.

    python tools/space.py build/space
    python tools/space.py build/space --start --python python3.12

The folder holds what git knows of the app, and nothing else. `--start` starts the app with the
given Python, which must have the packages of the folder's requirements.txt and no more. The app gets
an empty home, and no right to write into its own folder.
"""

import argparse
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent
DEPLOYED = (
    "app.py",
    "assets",
    "LICENSE",
    "phoque",
    "README.md",
    "requirements.txt",
    "training",
)
LARGE = 10 * 2**20
"""Bytes of a file that the Hub takes only through large file storage (LFS)."""
MOST = 200 * 2**20
"""Bytes of the whole: a Space that starts in a minute."""
SECRETS = re.compile(
    rb"hf_[A-Za-z0-9]{30,}|sk-[A-Za-z0-9_-]{32,}|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}"
    rb"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
PRIVATE = re.compile(r"\.env(\..*)?|.*\.(pem|key|sqlite3?)|\.netrc|credentials.*")
PATIENCE = 300
"""Seconds for the first page: a slow machine imports for a while."""


def main() -> None:
    """Build, check, and start where asked; exit status 1 if something is wrong."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("folder", type=Path, help="A new folder.")
    asked.add_argument("--start", action="store_true", help="Start it and ask for the page.")
    asked.add_argument("--python", default=sys.executable, help="What starts it.")
    given = asked.parse_args()
    build(given.folder)
    wrong = list(faults(given.folder))
    if given.start and not wrong:
        wrong += started(given.folder, given.python)
    files = [file for file in given.folder.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    print(*wrong, f"{len(files)} files, {size / 2**20:.1f} MiB, {len(wrong)} faults", sep="\n")
    raise SystemExit(bool(wrong))


def build(folder: Path) -> None:
    """Copy what git knows of the app, and say which files are large."""
    if folder.exists() and any(folder.iterdir()):
        raise SystemExit(f"{folder} is not empty. Name a new folder.")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *DEPLOYED], cwd=ROOT, capture_output=True, check=True
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    kinds = sorted({file.suffix for file in folder.rglob("*") if _is_large(file)})
    lines = (f"*{kind} filter=lfs diff=lfs merge=lfs -text\n" for kind in kinds)
    (folder / ".gitattributes").write_text("".join(lines))


def faults(folder: Path) -> Iterator[str]:
    """What would be refused, would leak or would not start; one line each."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    stored = (folder / ".gitattributes").read_text()
    for file in files:
        name = file.relative_to(folder)
        if _is_large(file) and f"*{file.suffix} filter=lfs" not in stored:
            yield f"{name} is larger than 10 MiB and not in .gitattributes."
        if PRIVATE.fullmatch(file.name):
            yield f"{name} is a private file by its name."
        if SECRETS.search(file.read_bytes()):
            yield f"{name} holds what looks like a secret."
    if (size := sum(file.stat().st_size for file in files)) > MOST:
        yield f"The folder has {size / 2**20:.0f} MiB; at most {MOST / 2**20:.0f} are meant."
    yield from _header_faults(folder)


def _is_large(file: Path) -> bool:
    return file.is_file() and file.stat().st_size > LARGE


def _header_faults(folder: Path) -> Iterator[str]:
    text = (folder / "README.md").read_text(encoding="utf-8")
    header: Mapping[str, Any] = yaml.safe_load(text.split("---\n")[1])
    needed = _requirements(folder)
    gradio, python = Version(str(header["sdk_version"])), header["python_version"]
    if gradio not in needed["gradio"].specifier:
        yield f"README.md says gradio {gradio}, and requirements.txt {needed['gradio']}."
    if not isinstance(python, str):
        yield f"README.md: python_version {python} has to be in quotes."
    if not (folder / header["app_file"]).is_file():
        yield f"README.md: the app_file {header['app_file']} is not there."
    for name in ("gradio", "spaces", "torch"):
        if "==" not in str(needed[name].specifier):
            yield f"requirements.txt does not pin {name} to one version: {needed[name]}"


def _requirements(folder: Path) -> dict[str, Requirement]:
    lines = (folder / "requirements.txt").read_text().splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {one.name: one for one in found}


def started(folder: Path, python: str) -> list[str]:
    """What went wrong when the app was started: no page, or files that it changed."""
    before = _sums(folder)
    with tempfile.TemporaryDirectory() as home, _unwritable(folder):
        port = free_port()
        process = _app(folder, python, home, port)
        try:
            page = page_of(f"http://127.0.0.1:{port}/", process)
        finally:
            process.terminate()
            said = process.communicate(timeout=60)[0].decode(errors="replace")
    wrong = [] if page else [f"The app gave no page. It said:\n{said[-2000:]}"]
    changed = sorted(name for name, _ in before.items() ^ _sums(folder).items())
    return wrong + [f"The app wrote {name}." for name in dict.fromkeys(changed)]


@contextmanager
def _unwritable(folder: Path) -> Iterator[None]:
    places = [folder, *folder.rglob("*")]
    modes = [place.stat().st_mode for place in places]
    for place, mode in zip(places, modes, strict=True):
        place.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for place, mode in zip(places, modes, strict=True):
            place.chmod(mode)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _app(folder: Path, python: str, home: str, port: int) -> subprocess.Popen[bytes]:
    # Root would write in spite of the mode.
    heeding = ["setpriv", "--bounding-set", "-dac_override"] if os.geteuid() == 0 else []
    settings = {
        "SYSTEM": "spaces",
        "SPACE_ID": "someone/what-the-phoque",
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "PATH": os.defpath,
        "HOME": home,
        "TMPDIR": home,
    }
    named = [f"{name}={value}" for name, value in settings.items()]
    return subprocess.Popen(
        [*heeding, "env", "--ignore-environment", *named, shutil.which(python) or python, "app.py"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def page_of(address: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether the page came before the app ended or the patience."""
    for _ in range(PATIENCE):
        if process.poll() is not None:
            return False
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return b"gradio" in answer.read()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(1)
    return False


def _sums(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }


if __name__ == "__main__":
    main()
