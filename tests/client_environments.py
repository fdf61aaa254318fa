"""Where real clients are installed: this environment, or one of their own in `$PHOQUE_CLIENTS/NAME`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent / "clients"
MISSING = "ModuleNotFoundError: No module named '"


def own_interpreter(client: str) -> Path | None:
    """Of the client's own environment, where there is one."""
    own = Path(os.environ.get("PHOQUE_CLIENTS", ""), client, "bin", "python").absolute()
    return own if "PHOQUE_CLIENTS" in os.environ and own.exists() else None


def interpreter(client: str) -> Path:
    """The client's own, or else this one."""
    return own_interpreter(client) or Path(sys.executable)


def not_installed(client: str, end: str) -> bool:
    """Whether the package is missing or lacks what it depends on; a part of its own is a fault."""
    missing = end.removeprefix(MISSING).rstrip("'") if end.startswith(MISSING) else ""
    return bool(missing) and not missing.startswith(f"{client}.")


def read_back(client: str, file: Path, home: Path) -> list[dict]:
    """What the client's own classes read of a file of hits; skips where it is not installed.

    An environment of its own that lacks something is a fault.
    """
    with file.open() as hits:
        ran = subprocess.run(
            [interpreter(client), SCRIPTS / f"hits_{client}.py"],
            stdin=hits,
            env={"PATH": os.environ["PATH"], "HOME": str(home)},
            capture_output=True,
            text=True,
            timeout=300,
        )
    if ran.returncode:
        end = ran.stderr.strip().rsplit("\n", 1)[-1]
        if not own_interpreter(client) and not_installed(client, end):
            pytest.skip(f"{client}: {end.removeprefix('ModuleNotFoundError: ')}; run: make hits")
        pytest.fail(f"{client} could not read {file.name}:\n{ran.stderr}")
    told = json.loads(ran.stdout)
    assert told["version"]
    return told["read"]
