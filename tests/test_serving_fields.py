"""Every field of OpenAI's published schema: left out, neutral, or refused by its name."""

import json
import re
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming

from phoque.conversation import DEFAULT_SAMPLING
from phoque.serving.errors import RequestError
from phoque.serving.schema import ChatRequest, parsed
from tests.serving import HELLO, asked, client_of, refused, said

PUBLISHED = get_type_hints(CompletionCreateParamsStreaming)
REQUIRED = {"model", "messages"}
TOOL = {"type": "function", "function": {"name": "look"}}
# Values that ask for nothing: the reply is the one to a request without the field.
NEUTRAL = {
    "frequency_penalty": [0, 0.0, -0.0],
    "function_call": ["none", "auto"],
    "functions": [[]],
    "logit_bias": [{}, {"5": 0}],
    "logprobs": [False],
    "metadata": [{}, {"for": "a test"}],
    "modalities": [["text"]],
    "n": [1],
    "parallel_tool_calls": [True, False],
    "prediction": [{"type": "content", "content": ""}],
    "presence_penalty": [0],
    "prompt_cache_key": ["", "a-test"],
    "prompt_cache_options": [{}, {"mode": "implicit"}, {"mode": "implicit", "ttl": "30m"}],
    "prompt_cache_retention": ["in_memory"],
    "reasoning_effort": ["none"],
    "response_format": [{"type": "text"}],
    "safety_identifier": ["a-test"],
    "seed": [42],
    "service_tier": ["auto", "default"],
    "stop": [[]],
    "store": [False],
    "stream": [False],
    "stream_options": [{}, {"include_usage": None}, {"include_obfuscation": False}],
    "temperature": [DEFAULT_SAMPLING.temperature],
    "tool_choice": ["none", "auto"],
    "tools": [[]],
    "top_logprobs": [0],
    "top_p": [DEFAULT_SAMPLING.top_p],
    "user": ["a-test"],
    "verbosity": ["medium"],
}
# What this server cannot do: refused, and the refusal begins with the field.
REFUSED = {
    "audio": [{"voice": "ash", "format": "wav"}],
    "frequency_penalty": [0.5, -1],
    "function_call": [{"name": "look"}],
    "functions": [[{"name": "look"}]],
    "logit_bias": [{"5": 1}],
    "logprobs": [True],
    "modalities": [["text", "audio"], ["audio"]],
    "moderation": [{"model": "omni-moderation-latest"}],
    "n": [0, 9],
    "prediction": [{"type": "content", "content": "We lost"}],
    "presence_penalty": [1],
    "prompt_cache_options": [{"mode": "explicit"}],
    "prompt_cache_retention": ["24h"],
    "reasoning_effort": ["minimal", "low", "medium", "high", "xhigh", "max"],
    "response_format": [{"type": "json_object"}, {"type": "json_schema", "json_schema": {}}],
    "seed": [-1],
    "service_tier": ["flex", "scale", "priority", "fast"],
    "stop": [list("abcde"), ["a" * 65]],
    "store": [True],
    "stream_options": [{"include_obfuscation": True}],
    "temperature": [2.1],
    "tool_choice": ["required", TOOL],
    "tools": [[TOOL]],
    "top_logprobs": [3],
    "top_p": [1.1],
    "verbosity": ["low", "high"],
    "web_search_options": [{}, {"search_context_size": "low"}],
}
SUPPORTED = {"max_completion_tokens", "max_tokens"}
"""No value of theirs is neutral: left out they have a default of ours."""


@pytest.fixture(scope="module")
def plain(address) -> str:
    return said(address)


def cases(table):
    return [(name, value) for name, values in table.items() for value in values]


def test_the_tables_know_every_published_field():
    assert {*NEUTRAL, *REFUSED, *SUPPORTED, *REQUIRED} == set(PUBLISHED)


@pytest.mark.parametrize("field", sorted(set(PUBLISHED) - REQUIRED))
def test_null_is_left_out(address, plain, field):
    # Without any limit of its own, the same reply is longer.
    assert said(address, **{field: None}).startswith(plain.rstrip("\ufffd"))


@pytest.mark.parametrize("field", sorted(REQUIRED))
def test_null_in_a_field_that_must_be_there_is_a_missing_one(address, field):
    error = refused(address, **{field: None})
    assert (error["param"], error["message"]) == (field, f"{field}: is missing.")


@pytest.mark.parametrize(("field", "value"), cases(NEUTRAL))
def test_a_neutral_value_asks_for_nothing(address, plain, field, value):
    assert said(address, **{field: value}) == plain


@pytest.mark.parametrize(("field", "value"), cases(REFUSED))
def test_what_cannot_be_done_is_refused_by_name(address, field, value):
    error = refused(address, **{field: value})
    assert error["message"].startswith(field)
    assert error["param"].split(".")[0] == field


def words(field: str) -> set[str]:
    """The words that the schema lists for a field."""
    hint = PUBLISHED[field]
    found = (get_args(one) for one in (hint, *get_args(hint)) if get_origin(one) is Literal)
    return {word for words in found for word in words if isinstance(word, str)}


@pytest.mark.parametrize("field", sorted(set(PUBLISHED) - REQUIRED))
def test_every_published_word_is_either_neutral_or_refused(field):
    known = [v for v in NEUTRAL.get(field, []) + REFUSED.get(field, []) if isinstance(v, str)]
    assert words(field) <= set(known)


def test_all_nulls_at_once(address, plain):
    nulls = dict.fromkeys(set(PUBLISHED) - REQUIRED - SUPPORTED)
    assert said(address, **nulls) == plain


def test_a_field_that_nobody_published_is_refused_unless_it_is_null(address, plain):
    assert said(address, top_k=None) == plain
    assert refused(address, top_k=5)["message"].startswith("top_k: is not supported")


OF_THE_CHECK = re.compile(r"Input|List|String|Value|valid|pydantic|type=|should|constrained|union")
ODD = [
    *(None, True, -1, 0, 1.5, 10**30, 1e30, "", "odd", "o" * 999),
    *([], [None], [5], [[]], [{}], {}, {"odd": 5}, {"type": "odd"}, {"odd": None}),
]


@pytest.mark.parametrize("field", sorted({*PUBLISHED, *ChatRequest.model_fields}))
def test_no_refusal_speaks_of_the_library_that_checks_or_quotes(field):
    for value in ODD:
        body = {"model": "phoque-toxic", "messages": HELLO, field: value}
        if error := found(body):
            assert error["message"].startswith(field)
            assert not OF_THE_CHECK.search(error["message"]), error
            assert "oooo" not in error["message"]
            assert set(error["param"].split(".")) <= {field, "odd", "0", "type", "role", "content"}


def found(body: dict) -> dict | None:
    """What is wrong with a request."""
    try:
        parsed(json.dumps(body).encode())
    except RequestError as refusal:
        return refusal.body["error"]
    return None


@pytest.mark.parametrize("wanted", [True, False])
def test_in_a_stream_usage_is_null_until_the_last_chunk(address, wanted):
    options = {"stream_options": {"include_usage": True}} if wanted else {}
    lines = asked(address, stream=True, temperature=0, **options).text.split("\n\n")
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines if "{" in line]
    assert len(chunks) > 2
    if not wanted:
        assert all("usage" not in chunk for chunk in chunks)
        return
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert (chunks[-1]["choices"], chunks[-1]["usage"]["completion_tokens"] > 0) == ([], True)
    with client_of(address) as client:  # the official client takes both
        stream = client.chat.completions.create(
            model="phoque-toxic",
            messages=HELLO,
            max_tokens=6,
            temperature=0,
            stream=True,
            **options,
        )
        assert [chunk.usage is None for chunk in stream] == [True] * (len(chunks) - 1) + [False]
