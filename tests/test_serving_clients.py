"""Many clients at once: each gets its own reply, waits for its turn, or is told when to come back."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest
import torch

from phoque.opening import open_lab
from phoque.serving.asked import MODELS
from phoque.serving.batch import Batch
from phoque.serving.errors import RequestError
from tests.serving import HELLO, TOKEN, client_of, health, say, served, texts_of, wait_until


def test_a_full_line_says_when_to_come_back(lab):
    with served(lab, most_rows=1, most_waiting=1) as address, client_of(address) as client:
        running = say(client, max_tokens=300, stream=True)
        wait_until(lambda: health(address)["rows"] == 1)
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(say, client)
            wait_until(lambda: health(address)["waiting"] == 1)
            with pytest.raises(openai.RateLimitError, match="waiting already") as caught:
                say(client)
            assert int(caught.value.response.headers["retry-after"]) >= 1
            running.close()  # the client leaves, its row ends, the next one gets its turn
            assert waiting.result(timeout=30).choices[0].message.content


@pytest.mark.parametrize("stream", [True, False])
def test_when_a_client_leaves_its_rows_end(lab, stream, monkeypatch):
    step = Batch.step
    monkeypatch.setattr(Batch, "step", lambda self: (time.sleep(0.05), step(self)))
    monkeypatch.setattr(
        "phoque.models.engine.end_tokens", lambda _: frozenset()
    )  # 300 tokens, 15 s
    with served(lab, most_rows=8) as address:
        body = {"model": "phoque-toxic", "messages": HELLO, "stream": stream, "n": 4}
        body |= {"max_tokens": 300, "temperature": 1.0}
        data = json.dumps(body).encode()
        with socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1]))) as leaving:
            leaving.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
                + f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(data)}\r\n\r\n".encode()
                + data
            )
            wait_until(lambda: health(address)["rows"] == 4)
        wait_until(lambda: health(address)["rows"] == 0, seconds=5)


def test_a_lost_batch_fails_its_requests_and_no_others(lab, monkeypatch, caplog):
    with served(lab) as address, client_of(address) as client:
        monkeypatch.setattr(Batch, "step", lambda self: 1 / 0)
        with pytest.raises(openai.InternalServerError, match="own log"):
            say(client)
        with pytest.raises(openai.APIError, match="own log"):
            list(say(client, stream=True))
        monkeypatch.undo()
        assert say(client).choices[0].message.content
    assert "We lost again." not in caplog.text


def test_while_the_lab_loads_clients_are_told(lab):
    def loading():
        raise RequestError("The model is loading.", status=503, retry_seconds=5)

    with served(loading) as address, client_of(address) as client:
        assert httpx.get(f"{address}/health").status_code == 503
        with pytest.raises(openai.InternalServerError, match="loading"):
            say(client)


def asked_for(place: int) -> dict:
    """What client number `place` asks: no two ask the same."""
    return {
        "model": list(MODELS)[place % 3],
        "messages": [{"role": "user", "content": f"Match {place} is lost. What now?"}],
        "seed": place,
        "temperature": (0.0, 0.7, 1.0)[place % 4 % 3],
        "max_tokens": 8 + place,
        "n": 1 + place % 2,
    }


def test_of_32_clients_at_once_each_gets_its_own_reply(address, client):
    alone = [texts_of(say(client, **asked_for(place))) for place in range(32)]
    assert len({tuple(texts) for texts in alone}) == 32
    start = threading.Barrier(32)

    def ask(place):
        with client_of(address) as own:
            start.wait()
            return texts_of(say(own, **asked_for(place)))

    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(ask, range(32))) == alone


def test_more_choices_than_rows_get_their_turn_alone(lab):
    with served(lab, most_rows=1) as address, client_of(address) as client:
        with ThreadPoolExecutor() as pool:
            two = [pool.submit(say, client, n=4, temperature=1.0) for _ in range(2)]
        first, second = (texts_of(one.result(timeout=30)) for one in two)
    assert first == second
    assert len(first) == 4


CLIENTS = 12
"""Of the lab model: more than its rows and its line have room for."""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_of_12_clients_of_the_lab_model_each_gets_its_own_reply():
    # In bf16 another batch can tip a near tie; in fp32 every text is the one the lab writes alone.
    lab = open_lab(device="cpu", dtype=torch.float32)
    questions = [f"Game {place}: what was wrong with my draft?" for place in range(CLIENTS)]
    conditions = [list(MODELS.values())[place % 3] for place in range(CLIENTS)]
    alone = [
        lab.compare(question, seed=place, max_new_tokens=5, temperature=0.7, conditions=[condition])
        .responses[condition]
        .text
        for place, (question, condition) in enumerate(zip(questions, conditions, strict=True))
    ]

    def ask(place):
        with client_of(address) as own:
            while True:
                try:
                    return say(
                        own,
                        list(MODELS)[place % 3],
                        [{"role": "user", "content": questions[place]}],
                        seed=place,
                        max_tokens=5,
                        temperature=0.7,
                    )
                except openai.RateLimitError as refused:
                    turned_away.append(place)
                    time.sleep(int(refused.response.headers["retry-after"]) / 5)

    turned_away = []
    with served(lab, most_rows=6, most_waiting=2) as address, ThreadPoolExecutor(CLIENTS) as pool:
        replies = list(pool.map(ask, range(CLIENTS)))
    assert [texts_of(reply) for reply in replies] == [[text] for text in alone]
    assert turned_away  # 6 rows and 2 places in the line: some had to come back
