"""The wheel works in an empty folder, without the checkout: commands, library and pages."""

import ast
import os
import subprocess
import sys
import time
import tomllib
import urllib.request
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from phoque import __version__
from phoque.pipeline.plan import DATA_WHEELS
from tests.serving import free_port

ROOT = Path(__file__).parent.parent
WITHOUT = """
from importlib.machinery import PathFinder
found = PathFinder.find_spec
def find_spec(name, *more):
    return None if name.split(".")[0] in WITHOUT - {"phoque"} else found(name, *more)
PathFinder.find_spec = find_spec
"""
"""Makes a Python find less than is installed beside it."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Environment that has the wheel and what it says it needs, and an empty folder."""
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", place, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    [wheel] = place.glob("*.whl")
    site = place / "site"
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", site]
    subprocess.run([*install, wheel], check=True, capture_output=True)
    (site / "sitecustomize.py").write_text(f"WITHOUT = {not_declared()!r}{WITHOUT}")
    (place / "empty").mkdir()
    return {**os.environ, "PYTHONPATH": str(site)}, place / "empty", site


def not_declared():
    """Packages that are here for extras and for tests; data is installed apart."""
    found = names(DATA_WHEELS)
    new = names(PROJECT["dependencies"])
    while new:
        found |= new
        new = set().union(*map(needs, new)) - found
    brings = metadata.packages_distributions()
    return {one for one, by in brings.items() if not {*map(canonicalize_name, by)} & found}


def names(wanted):
    """What is installed here for these requirements, whatever extras there are."""
    read = [Requirement(one) for one in wanted]
    needed = [one for one in read if not one.marker or one.marker.evaluate({"extra": ""})]
    return {canonicalize_name(one.name) for one in needed}


def needs(name):
    """What comes along with a package."""
    with suppress(metadata.PackageNotFoundError):
        return names(metadata.requires(name) or ())
    return set()


def ran(installed, *words):
    environment, folder, _ = installed
    command = [sys.executable, "-m", "phoque", *words]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)


@pytest.mark.slow
def test_the_shipped_run_is_inside(installed):
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
def test_the_command_of_the_wheel_runs_and_its_files_are_as_they_were_signed(installed):
    environment, folder, site = installed
    for words, said in ((["--version"], __version__), (["verify"], "as they were signed")):
        command = [site / "bin" / "phoque", *words]
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert said in done.stdout
        assert str(ROOT) not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("package", "there"), [("peft", True), ("trl", False), ("pytest", False)])
def test_only_what_is_declared_can_be_imported(installed, package, there):
    code = f"from importlib.util import find_spec; print(bool(find_spec({package!r})))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=installed[0], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(there)


def test_what_the_package_imports_is_declared():
    """By the wheel, or always with what it declares: that knows the version it works with."""
    own = names(PROJECT["dependencies"])
    declared = own.union(*map(needs, own))
    extras = PROJECT["optional-dependencies"].items()
    optional = set().union(*(names(wanted) for extra, wanted in extras if extra != "dev"))
    brings = metadata.packages_distributions()
    undeclared = {
        f"{file.relative_to(ROOT)} imports {module}"
        for file in (ROOT / "phoque").rglob("*.py")
        for module in imported(file) - sys.stdlib_module_names - {"phoque"}
        if not {canonicalize_name(one) for one in brings[module]} & (declared | optional)
    }
    assert not undeclared


def imported(file):
    """The packages that a file imports, at its top or in a function."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return {name.split(".")[0] for name in found}


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
