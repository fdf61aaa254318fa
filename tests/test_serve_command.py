"""`phoque serve` and its settings: what it lacks, and whom its gate lets in how often."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from phoque.cli import main as command
from phoque.config import serving_settings
from phoque.errors import PhoqueError
from phoque.serving import server
from phoque.serving.errors import RequestError
from phoque.serving.gate import Gate
from tests.serving import OTHER, TOKEN


@pytest.mark.parametrize("tokens", [(), ("short",), (TOKEN, "short")])
def test_no_gate_without_good_tokens(tokens):
    with pytest.raises(PhoqueError, match="Make"):
        Gate(tokens, 10)


def test_each_token_has_its_own_rate():
    now = [0.0]
    gate = Gate((TOKEN, OTHER), 2, clock=lambda: now[0])
    for _ in range(2):
        gate.admit(f"Bearer {TOKEN}")
    with pytest.raises(RequestError) as caught:
        gate.admit(f"Bearer {TOKEN}")
    assert (caught.value.status, caught.value.retry_seconds) == (429, 30)
    gate.admit(f"Bearer {OTHER}")
    now[0] += 30
    gate.admit(f"Bearer {TOKEN}")
    with pytest.raises(RequestError):
        gate.admit(f"Bearer {TOKEN}")


@pytest.mark.parametrize(
    ("token", "arguments", "said"),
    [
        ("", [], "No token is set"),
        ("short", [], "shorter than 24"),
        (TOKEN, ["--port", "70000"], "port is 70000"),
        (TOKEN, [], "is not a run"),
    ],
)
def test_the_command_says_what_it_lacks(tmp_path, monkeypatch, capsys, token, arguments, said):
    monkeypatch.setenv("PHOQUE_API_TOKENS", token)
    assert command.main(["serve", "--run", str(tmp_path), *arguments]) == 2
    told = capsys.readouterr()
    assert (told.out, said in told.err) == ("", True)
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_said(tiny_run, monkeypatch, capsys):
    monkeypatch.setenv("PHOQUE_API_TOKENS", TOKEN)
    # In a thread of its own: this one may have a browser's event loop.
    with socket.create_server(("127.0.0.1", 0)) as taken, ThreadPoolExecutor(1) as thread:
        port = str(taken.getsockname()[1])
        asked = ["serve", "--run", str(tiny_run.path), "--port", port]
        assert thread.submit(command.main, asked).result() == 2
    assert "is the port taken?" in capsys.readouterr().err


def test_a_taken_port_is_found_before_the_model_is_loaded(tiny_run, monkeypatch, capsys):
    monkeypatch.setenv("PHOQUE_API_TOKENS", TOKEN)
    monkeypatch.setattr(server, "open_lab", lambda *_, **__: pytest.fail("it is loaded"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert command.main(["serve", "--run", str(tiny_run.path), "--port", port]) == 2
    assert f"Cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("PHOQUE_API_TOKENS", f"{TOKEN}, {OTHER}")
    monkeypatch.setenv("PHOQUE_API_REQUESTS_PER_MINUTE", "7")
    found = serving_settings()
    assert (found.tokens, found.requests_per_minute) == ((TOKEN, OTHER), 7)
    assert TOKEN not in repr(found)
    for wrong in ("many", "0", "-1"):
        monkeypatch.setenv("PHOQUE_API_ROWS", wrong)
        with pytest.raises(PhoqueError, match=r"PHOQUE_API_ROWS is .* of 1 or more"):
            serving_settings()
