"""Run each step of the Dockerfile without Docker, in a home of its own, and ask the app for its page.

    python tools/image.py build/image --python DIR --arg TORCH_OPTIONS=

DIR holds the `python` and `pip` of the Python that the image is made from. What only an image has is told
and left out: the image below, its user, the port. So this shows that the steps work, and not that Docker
builds them.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template

from space import ROOT, free_port, page_of

HOME = "/home/user"
"""Of the image's user; the folder stands for it."""
LEFT_OUT = ("FROM", "USER", "EXPOSE")
KEPT = ("PIP_", "SSL_", "REQUESTS_", "http", "HTTP")
"""Variables of this machine by which pip finds its index; they begin so."""


def main() -> None:
    """Run the steps, then the command; exit status 1 if there is no page."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("folder", type=Path, help="A new folder: the home of the image's user.")
    asked.add_argument("--python", type=Path, required=True, metavar="DIR")
    asked.add_argument("--arg", action="append", default=[], metavar="NAME=VALUE")
    given = asked.parse_args()
    if given.folder.exists():
        raise SystemExit(f"{given.folder} is there already. Name a new folder.")
    given.folder.mkdir(parents=True)
    path = f"{given.python.resolve()}:{os.defpath}"
    kept = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}  # noqa: TID251  # for pip
    image = Image(given.folder.resolve(), kept | {"PATH": path})
    given_args = dict(one.split("=", 1) for one in given.arg)
    for name, rest in steps((ROOT / "Dockerfile").read_text(encoding="utf-8")):
        image.step(name, rest, given_args)
    raise SystemExit(not image.answers())


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Instructions of a Dockerfile in order: the word and what follows, on one line."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            yield name.upper(), rest.strip()


class Image:
    """What the steps have made so far."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self._home, self._environment = home, dict(environment)
        self._folder, self._command = home, [""]

    def step(self, name: str, rest: str, given: Mapping[str, str]) -> None:
        """Do one step, or tell that it is left out; a step that fails ends the process."""
        out = name in LEFT_OUT or rest.startswith("useradd")
        print(f"{'left out' if out else 'step'}: {name} {rest}", flush=True)
        if not out:
            getattr(self, f"_{name.lower()}")(rest, given)

    def answers(self) -> bool:
        """Whether the image's command gives its page."""
        port = str(free_port())
        settings = {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": port}
        with subprocess.Popen(
            self._command, cwd=self._folder, env=self._environment | settings
        ) as app:
            try:
                found = page_of(f"http://127.0.0.1:{port}/", app)
            finally:
                app.terminate()
        print("the page answers" if found else "no page", flush=True)
        return found

    def _filled(self, text: str) -> str:
        return Template(text.replace(HOME, str(self._home))).safe_substitute(self._environment)

    def _arg(self, rest: str, given: Mapping[str, str]) -> None:
        [(name, value)] = _pairs(rest)
        self._environment[name] = given.get(name, value)

    def _env(self, rest: str, _: Mapping[str, str]) -> None:
        self._environment |= {name: self._filled(value) for name, value in _pairs(rest)}

    def _workdir(self, rest: str, _: Mapping[str, str]) -> None:
        self._folder = Path(self._filled(rest))
        self._folder.mkdir(parents=True)

    def _run(self, rest: str, _: Mapping[str, str]) -> None:
        done = subprocess.run(
            ["/bin/sh", "-c", rest], cwd=self._folder, env=self._environment, check=False
        )
        if done.returncode:
            raise SystemExit(f"The step ended with {done.returncode}: {rest}")

    def _copy(self, rest: str, _: Mapping[str, str]) -> None:
        source, _target = [word for word in rest.split() if not word.startswith("--")]
        ignored = (ROOT / ".dockerignore").read_text().split()
        without = [f":(exclude,glob){one}" for one in ignored if one != source]
        found = subprocess.run(
            ["git", "ls-files", "-z", "--", source, *without],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for name in filter(None, found.split("\0")):
            (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, self._folder / name)

    def _cmd(self, rest: str, _: Mapping[str, str]) -> None:
        self._command = [word.strip('",') for word in shlex.split(rest.strip("[]"))]
        found = shutil.which(self._command[0], path=self._environment["PATH"])
        self._command[0] = found or self._command[0]


def _pairs(text: str) -> list[tuple[str, str]]:
    pairs = [word.partition("=") for word in shlex.split(text)]
    return [(name, value) for name, _, value in pairs]


if __name__ == "__main__":
    main()
