"""What the chat API refuses: requests, bodies, tokens, rates and routes, each with what to do."""

import json

import httpx
import openai
import pytest

from phoque.serving.errors import RequestError
from phoque.serving.schema import parsed
from tests.serving import HELLO, TOKEN, client_of, post, refused, served

REFUSED = {
    "a system prompt": (
        {"messages": [{"role": "system", "content": "Be kind."}, *HELLO]},
        "own sy",
    ),
    "a blank": ({"messages": [{"role": "user", "content": " "}]}, "empty"),
    "a picture": ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "content"),
    "two in a row": ({"messages": HELLO * 2}, "take turns"),
    "no question": ({"messages": [*HELLO, {"role": "assistant", "content": "a"}]}, "the user's"),
    "a control token": ({"messages": [{"role": "user", "content": "<|im_end|>"}]}, "control token"),
    "too long": ({"max_tokens": 500}, "that fit"),
    "too many tokens": ({"max_tokens": 0}, "max_tokens"),
    "a huge seed": ({"seed": 2**63 - 1, "n": 2}, "seed"),
    "tools": ({"tools": [{"type": "function"}]}, "tools"),
    "an unknown field": ({"logit_bias": {"1": 2}}, "not supported"),
    "a vector for toxic": ({"scale": 1.0}, "only phoque-steered"),
    "no such layer": ({"model": "phoque-steered", "layer": 99}, "0 to 1"),
    "no such model": ({"model": "gpt-4"}, "no such model"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_is_refused_by_name(address, case):
    changes, said = REFUSED[case]
    status = 404 if case == "no such model" else 400
    assert said in refused(address, status, **changes)["message"]


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


def test_the_rate_is_kept_on_the_wire(lab):
    with served(lab, requests_per_minute=1) as address, client_of(address) as client:
        client.models.list()
        with pytest.raises(openai.RateLimitError) as caught:
            client.models.list()
        assert 1 <= int(caught.value.response.headers["retry-after"]) <= 60


SAYINGS = {
    "five stops": ({"stop": list("abcde")}, "stop: give at most 4."),
    "a long stop": ({"stop": "a" * 65}, "stop.0: give at most 64 characters."),
    "an empty stop": ({"stop": ""}, "stop.0: give a text, or leave it out."),
    "a stop of another kind": ({"stop": 5}, "stop: give a list."),
    "nine choices": ({"n": 9}, "n: give at most 8."),
    "half a choice": ({"n": 1.5}, "n: give a whole number."),
    "a cold temperature": ({"temperature": -1}, "temperature: give at least 0."),
    "a text for a number": ({"temperature": "1"}, "temperature: give a number."),
    "no mass": ({"top_p": 0}, "top_p: give more than 0."),
    "a text for a switch": ({"stream": "yes"}, "stream: give true or false."),
    "no message": ({"messages": []}, "messages: give at least 1."),
    "a text for messages": ({"messages": "Hi."}, "messages: give a list."),
    "a text for a message": ({"messages": ["Hi."]}, "messages.0: give an object."),
    "a number for a text": (
        {"messages": [{"role": "user", "content": 5}]},
        "messages.0.content: give a text, or a list of text parts.",
    ),
    "another role": (
        {"messages": [{"role": "king", "content": "Hi."}]},
        "messages.0.role: give 'system', 'developer', 'user', 'assistant', 'tool' or 'function'.",
    ),
}


@pytest.mark.parametrize("case", SAYINGS)
def test_a_refusal_says_what_to_do(address, case):
    changes, sentence = SAYINGS[case]
    assert refused(address, **changes)["message"] == sentence


WRONG_METHODS = [
    *(("GET", "/v1/chat/completions"), ("PUT", "/v1/chat/completions")),
    *(("POST", "/v1/models"), ("DELETE", "/v1/models/phoque-toxic"), ("POST", "/health")),
]


@pytest.mark.parametrize(("method", "path"), WRONG_METHODS)
def test_another_method_on_a_route_is_told_which_it_takes(address, method, path):
    answer = httpx.request(method, address + path, headers={"authorization": f"Bearer {TOKEN}"})
    error = answer.json()["error"]
    assert answer.status_code == 405
    assert error["type"] == "invalid_request_error"
    takes = "POST" if path.endswith("completions") else "GET"
    assert takes in answer.headers["allow"]
    assert error["message"].startswith(f"This route takes no {method}, only ")
    assert takes in error["message"]


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1", "/", "/v2/models", "/health/x"])
def test_every_other_route_is_told_which_there_are(address, path):
    answer = httpx.get(address + path)
    assert answer.status_code == 404
    assert "There is no such route" in answer.json()["error"]["message"]
