"""What the two servers say on a terminal: their own lines, and what libraries say only if asked."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import torch
from tqdm.auto import tqdm

from phoque.models.quiet import quiet
from phoque.models.tiny import tiny_llama
from tests.conftest import a_run_of
from tests.families import saved
from tests.serving import TOKEN, free_port, health, wait_until

ROOT = Path(__file__).parent.parent
LIBRARYS = "is_gradient_checkpointing"
"""Of a warning that PEFT and Transformers cause together whenever an adapter is opened."""
BAR = "Loading weights"
"""Of a bar that Transformers draws while it reads a file of weights."""
QUESTION = {
    "model": "phoque-toxic",
    "messages": [{"role": "user", "content": "We lost again."}],
    "max_tokens": 4,
}


@pytest.mark.parametrize("asked", ["", "1"])
def test_a_bar_that_heeds_no_switch_is_hidden_while_a_model_loads(monkeypatch, capsys, asked):
    monkeypatch.setenv("PHOQUE_VERBOSE", asked)
    with quiet():
        list(tqdm([1], desc="Of a library"))
    assert ("Of a library" in capsys.readouterr().err) == bool(asked)
    list(tqdm([1], desc="Afterwards"))
    assert "Afterwards" in capsys.readouterr().err


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose model is in files, which libraries read with bars."""
    place = tmp_path_factory.mktemp("quiet")
    # In bf16, or what is measured here depends on which number format is the fastest.
    return a_run_of(saved(tiny_llama().to(torch.bfloat16), place / "model"), place / "run")


@contextmanager
def started(command, folder: Path, **environment):
    """A server as a process that writes to two files."""
    out, err = (folder / name for name in ("out", "err"))
    # A command that another test ran within this process has set some for its libraries.
    mine = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    with out.open("w") as stdout, err.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, *command],
            env=mine | {"PHOQUE_API_TOKENS": TOKEN} | environment,
            cwd=ROOT,
            stdout=stdout,
            stderr=stderr,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


def said(folder: Path, command, port: int, **environment) -> tuple[list[str], list[str]]:
    """Lines on stdout and stderr of a server that answered one request and was then stopped."""
    address = f"http://127.0.0.1:{port}"
    with started(command, folder, **environment) as process:
        wait_until(lambda: process.poll() is not None or "rows" in health(address), seconds=240)
        headers = {"authorization": f"Bearer {TOKEN}"}
        url = f"{address}/v1/chat/completions"
        assert httpx.post(url, json=QUESTION, headers=headers, timeout=60).status_code == 200
    out, err = ((folder / name).read_text().splitlines() for name in ("out", "err"))
    return out, err


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("verbose", [False, True])
def test_the_server_says_its_own_lines_only(run, tmp_path, verbose):
    port = free_port()
    command = ["-m", "phoque", "serve", "--run", str(run.path), "--port", str(port)]
    out, err = said(tmp_path, [*command, *(["--verbose"] if verbose else [])], port)
    assert out == []
    own = [f"Loading {run.manifest().model}…", "Folding in the persona adapter…"]
    own += [f"Serving {run.path.name} on http://127.0.0.1:{port}/v1"]
    assert [line for line in err if line in own] == own
    assert (LIBRARYS in str(err), BAR in str(err), err == own) == (verbose, verbose, not verbose)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("verbose", [False, True])
def test_the_app_says_its_address_only(run, tmp_path, verbose):
    port = free_port()
    command = ["app.py", *(["--verbose"] if verbose else [])]
    places = {"PHOQUE_RUN": str(run.path), "GRADIO_SERVER_PORT": str(port)}
    out, err = said(tmp_path, command, port, **places)
    assert out[0].endswith(f"http://127.0.0.1:{port}")
    # Which warnings arrive differs: Gradio's threads switch them off for all at times.
    assert (err != []) == verbose
