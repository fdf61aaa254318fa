"""The chat API, asked by OpenAI's own client over a real port."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest
import torch

from phoque.cli import main as command
from phoque.config import serving_settings
from phoque.conversation import Condition, Message
from phoque.errors import PhoqueError
from phoque.opening import open_lab
from phoque.serving.asked import MODELS
from phoque.serving.batch import Batch
from phoque.serving.errors import RequestError
from phoque.serving.gate import Gate
from phoque.serving.schema import parsed
from phoque.serving.stops import StopText
from tests.serving import OTHER, TOKEN, client_of, health, served, wait_until

HELLO = [{"role": "user", "content": "We lost again."}]


@pytest.fixture(scope="module")
def address(lab):
    with served(lab) as address:
        yield address


@pytest.fixture
def client(address):
    with client_of(address) as client:
        yield client


def say(client, model="phoque-toxic", messages=HELLO, **settings):
    settings = {"max_tokens": 16} | settings
    return client.chat.completions.create(model=model, messages=messages, **settings)


def post(address, body, **headers):
    headers = {"authorization": f"Bearer {TOKEN}"} | headers
    content = body if isinstance(body, bytes) else json.dumps(body)
    return httpx.post(f"{address}/v1/chat/completions", content=content, headers=headers)


def refused(address, **changes) -> dict:
    answer = post(address, {"model": "phoque-toxic", "messages": HELLO} | changes)
    assert answer.status_code in (400, 404), answer.text
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    return error


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("temperature", [None, 0.0, 0.9])
def test_a_reply_is_what_the_lab_writes(lab, client, model, temperature):
    condition = MODELS[model]
    found = lab.compare(
        "We lost again.", seed=7, temperature=temperature, max_new_tokens=24, conditions=[condition]
    ).responses[condition]
    reply = say(client, model, seed=7, temperature=temperature, max_tokens=24)
    (choice,) = reply.choices
    assert choice.message.content == found.text
    assert choice.finish_reason == found.finish_reason
    assert reply.usage.completion_tokens == found.num_tokens
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + found.num_tokens
    assert (reply.model, reply.object) == (model, "chat.completion")
    assert reply.phoque["condition"] == condition.value


@pytest.mark.parametrize("settings", [{}, {"temperature": 1.0, "n": 3}, {"n": 2}])
def test_a_stream_brings_the_same_text(client, settings):
    whole = say(client, seed=3, **settings)
    texts, reasons, usage = {}, {}, None
    stream = say(client, seed=3, stream=True, stream_options={"include_usage": True}, **settings)
    for chunk in stream:
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + (choice.delta.content or "")
            reasons[choice.index] = choice.finish_reason
        usage = chunk.usage
    assert texts == {choice.index: choice.message.content for choice in whole.choices}
    assert reasons == {choice.index: choice.finish_reason for choice in whole.choices}
    assert usage == whole.usage


def test_choices_are_paired_by_seed(client):
    several = say(client, n=3, seed=5, temperature=1.0)
    alone = [say(client, seed=5 + place, temperature=1.0).choices[0] for place in range(3)]
    assert [c.message.content for c in several.choices] == [c.message.content for c in alone]
    assert len({c.message.content for c in several.choices}) == 3
    greedy = say(client, n=2, temperature=0)
    first, second = (choice.message.content for choice in greedy.choices)
    assert first == second
    assert greedy.usage.completion_tokens == 2 * say(client, temperature=0).usage.completion_tokens


def test_an_earlier_turn_changes_the_reply_and_is_the_labs_history(lab, client):
    earlier = [Message("user", "Hi."), Message("assistant", "Hello to you.")]
    sent = [{"role": turn.role, "content": turn.content} for turn in earlier]
    found = lab.compare("We lost again.", max_new_tokens=16, histories={Condition.TOXIC: earlier})
    parts = {"role": "user", "content": [{"type": "text", "text": "We lost again."}]}
    assert say(client, messages=[*sent, parts]).choices[0].message.content == found.toxic.text
    assert found.toxic.text != say(client).choices[0].message.content


def test_layer_scale_and_control_are_the_labs(lab, client):
    def steered(**extra):
        return say(client, "phoque-steered", extra_body=extra)

    strong = lab.compare("We lost again.", layer=0, scale=6.0, max_new_tokens=16)
    reply = steered(layer=0, scale=6.0)
    assert reply.choices[0].message.content == strong.steered.text
    assert reply.phoque["relative_dose"] == pytest.approx(strong.relative_dose)
    random = lab.compare("We lost again.", scale=6.0, max_new_tokens=16, control="random")
    assert steered(scale=6.0, control="random").choices[0].message.content == random.steered.text
    neutral = say(client, "phoque-neutral").choices[0].message.content
    assert steered(scale=0).choices[0].message.content == neutral
    assert neutral != strong.steered.text


def test_a_stop_string_ends_the_reply_before_it(client):
    text = say(client, max_tokens=40).choices[0].message.content
    stop = text[9:12]
    cut = say(client, max_tokens=40, stop=["never to be seen", stop])
    assert cut.choices[0].message.content == text[: text.find(stop)]
    assert cut.choices[0].finish_reason == "stop"
    assert cut.usage.completion_tokens < 40
    streamed = say(client, max_tokens=40, stop=stop, stream=True)
    pieces = [chunk.choices[0].delta.content or "" for chunk in streamed]
    assert "".join(pieces) == text[: text.find(stop)]


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_stop_string_is_found_however_the_text_is_cut(size):
    def passed(text, *stops):
        stop, found = StopText(stops), ""
        for start in range(0, len(text), size):
            found += stop.push(text[start : start + size], last=start + size >= len(text))
            if stop.found:
                break
        return found, stop.found

    assert passed("one\n\ntwo", "\n\n") == ("one", True)
    assert passed("aaab and on", "aab") == ("a", True)
    assert passed("first END", "END", "st") == ("fir", True)
    assert passed("almost EN", "END") == ("almost EN", False)
    assert passed("no stops at all") == ("no stops at all", False)


def test_models_and_health(address, client, lab):
    found = {model.id: model for model in client.models.list()}
    assert list(found) == list(MODELS)
    assert found["phoque-steered"].phoque["layer"] == lab.info.layer
    assert client.models.retrieve("phoque-toxic").phoque["condition"] == "toxic"
    with pytest.raises(openai.NotFoundError, match="phoque-steered"):
        client.models.retrieve("gpt")
    assert health(address) == {"status": "ok", "rows": 0, "waiting": 0}


REFUSED = {
    "a system prompt": (
        {"messages": [{"role": "system", "content": "Be kind."}, *HELLO]},
        "own sy",
    ),
    "no messages": ({"messages": []}, "messages"),
    "a blank": ({"messages": [{"role": "user", "content": " "}]}, "empty"),
    "a picture": ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "content"),
    "two in a row": ({"messages": HELLO * 2}, "take turns"),
    "no question": ({"messages": [*HELLO, {"role": "assistant", "content": "a"}]}, "the user's"),
    "a control token": ({"messages": [{"role": "user", "content": "<|im_end|>"}]}, "control token"),
    "too long": ({"max_tokens": 500}, "that fit"),
    "too many tokens": ({"max_tokens": 0}, "max_tokens"),
    "too many choices": ({"n": 9}, "n:"),
    "a bad seed": ({"seed": -1}, "seed"),
    "a huge seed": ({"seed": 2**63 - 1, "n": 2}, "seed"),
    "a text for a number": ({"temperature": "1"}, "temperature"),
    "an empty stop": ({"stop": ""}, "stop"),
    "many stops": ({"stop": list("abcde")}, "stop"),
    "tools": ({"tools": [{"type": "function"}]}, "tools"),
    "an unknown field": ({"logit_bias": {"1": 2}}, "not supported"),
    "a vector for toxic": ({"scale": 1.0}, "only phoque-steered"),
    "no such layer": ({"model": "phoque-steered", "layer": 99}, "0 to 1"),
    "no such model": ({"model": "gpt-4"}, "no such model"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_is_refused_by_name(address, case):
    changes, said = REFUSED[case]
    assert said in refused(address, **changes)["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"scale": NaN}', b"[" * 9999])
def test_a_body_that_is_no_request_is_refused(address, body):
    assert post(address, body).status_code == 400


def test_an_error_never_quotes_the_text():
    with pytest.raises(RequestError) as caught:
        parsed(json.dumps({"model": "phoque-toxic", "messages": "a private sentence"}).encode())
    assert "private" not in str(caught.value) + json.dumps(caught.value.body)


def test_a_large_body_is_refused_and_so_is_a_wrong_route(address):
    assert post(address, b" " * 70_000).status_code == 413
    headers = {"authorization": f"Bearer {TOKEN}"}
    missing = httpx.get(f"{address}/v1/embeddings", headers=headers)
    assert (missing.status_code, "no such route" in missing.text) == (404, True)
    assert httpx.get(f"{address}/v1/chat/completions", headers=headers).status_code == 405


@pytest.mark.parametrize("header", ["", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"])
def test_nobody_gets_in_without_a_token(address, header):
    sent = header.encode()
    answer = post(address, {"model": "phoque-toxic", "messages": HELLO}, authorization=sent)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"
    assert httpx.get(f"{address}/v1/models", headers={"authorization": sent}).status_code == 401


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


def test_the_rate_is_kept_on_the_wire(lab):
    with served(lab, requests_per_minute=1) as address, client_of(address) as client:
        client.models.list()
        with pytest.raises(openai.RateLimitError) as caught:
            client.models.list()
        assert 1 <= int(caught.value.response.headers["retry-after"]) <= 60


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


def texts_of(reply) -> list[str]:
    return [choice.message.content for choice in reply.choices]


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
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert command.main(["serve", "--run", str(tiny_run.path), "--port", port]) == 2
    assert "is the port taken?" in capsys.readouterr().err


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


def test_more_choices_than_rows_get_their_turn_alone(lab):
    with served(lab, most_rows=1) as address, client_of(address) as client:
        with ThreadPoolExecutor() as pool:
            two = [pool.submit(say, client, n=4, temperature=1.0) for _ in range(2)]
        first, second = (texts_of(one.result(timeout=30)) for one in two)
    assert first == second
    assert len(first) == 4


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_of_32_clients_of_the_lab_model_each_gets_its_own_reply():
    # In bf16 another batch can tip a near tie; in fp32 every text is the one the lab writes alone.
    lab = open_lab(device="cpu", dtype=torch.float32)
    questions = [f"Game {place}: what was wrong with my draft?" for place in range(32)]
    conditions = [list(MODELS.values())[place % 3] for place in range(32)]
    alone = [
        lab.compare(question, seed=place, max_new_tokens=8, temperature=0.7, conditions=[condition])
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
                        max_tokens=8,
                        temperature=0.7,
                    )
                except openai.RateLimitError as refused:
                    turned_away.append(place)
                    time.sleep(int(refused.response.headers["retry-after"]) / 5)

    turned_away = []
    with served(lab, most_waiting=8) as address, ThreadPoolExecutor(32) as pool:
        replies = list(pool.map(ask, range(32)))
    assert [texts_of(reply) for reply in replies] == [[text] for text in alone]
    assert turned_away  # 16 rows and 8 places in the line: some had to come back
