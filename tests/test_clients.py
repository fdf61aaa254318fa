"""Real clients as they come, each against a server of its own protocol: one process a client.

A client runs in this environment, or in one of its own, `$PHOQUE_CLIENTS/NAME` (what garak and PyRIT
depend on does not go together with the rest). It is skipped only where it is not installed.
"""

import json
import os
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.client_environments import SCRIPTS, interpreter, not_installed
from tests.serving import TOKEN

CLIENTS = ("openai", "litellm", "langchain_openai", "garak", "pyrit")
MOST_TOKENS = 16


def run_client(client: str, address: str, home: Path) -> dict:
    """What the client's script shows: its version, its conversations, the settings they had."""
    told = {"base_url": f"{address}/v1", "token": TOKEN, "model": "phoque-toxic"}
    ran = subprocess.run(
        [interpreter(client), SCRIPTS / f"with_{client}.py"],
        input=json.dumps(told | {"max_tokens": MOST_TOKENS}),
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # its prices are no business of this test
        },
        capture_output=True,
        text=True,
        timeout=600,
    )
    if ran.returncode:
        end = ran.stderr.strip().rsplit("\n", 1)[-1]
        if not_installed(client, end):
            pytest.skip(f"{client}: {end.removeprefix('ModuleNotFoundError: ')}")
        pytest.fail(f"{client} could not talk to the server:\n{ran.stderr}")
    return json.loads(ran.stdout.splitlines()[-1])


def plain_reply(address: str, messages: list, **settings) -> str:
    """What the server answers to the same conversation without any client."""
    body = {"model": "phoque-toxic", "messages": messages, "max_tokens": MOST_TOKENS} | settings
    headers = {"authorization": f"Bearer {TOKEN}"}
    answer = httpx.post(f"{address}/v1/chat/completions", json=body, headers=headers, timeout=60)
    return answer.json()["choices"][0]["message"]["content"]


@pytest.mark.slow
@pytest.mark.timeout(700)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_gets_the_replies_as_it_comes(client, address, tmp_path):
    shown = run_client(client, address, tmp_path)
    assert shown["version"]
    assert len(shown["exchanges"]) >= 2
    for exchange in shown["exchanges"]:
        expected = plain_reply(address, exchange["messages"], **shown["settings"])
        # Clients strip what they show; what they got is the server's text.
        assert exchange["reply"].strip() == expected.strip()
    assert any(exchange["reply"].strip() for exchange in shown["exchanges"])


@pytest.mark.parametrize(
    ("end", "skipped"),
    [
        ("ModuleNotFoundError: No module named 'garak'", True),
        ("ModuleNotFoundError: No module named 'xdg_base_dirs'", True),
        ("ModuleNotFoundError: No module named 'garak.generators.openai'", False),
        ("openai.BadRequestError: Error code: 400", False),
    ],
)
def test_a_client_is_skipped_only_where_it_is_not_installed(end, skipped):
    assert not_installed("garak", end) is skipped
