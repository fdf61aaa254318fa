"""Every field of a message of OpenAI's published schema: neutral, or refused by its name."""

from typing import get_type_hints

import pytest
from openai.types.chat import (
    ChatCompletionAssistantMessageParam,
    ChatCompletionContentPartTextParam,
    ChatCompletionStreamOptionsParam,
    ChatCompletionUserMessageParam,
)

from tests.serving import HELLO, refused, said

# Of a message: what each published field may hold without changing the reply, and what is refused.
IN_A_MESSAGE = {
    "audio": ([None], [{"id": "audio-1"}]),
    "function_call": ([None], [{"name": "look", "arguments": "{}"}]),
    "name": ([None, ""], ["Ann"]),
    "refusal": ([None], ["No."]),
    "tool_calls": ([None, []], [[{"id": "1", "type": "function"}]]),
    "annotations": ([None, []], [[{"type": "url_citation"}]]),  # in what a client dumps
}


def after(**reply):
    return [*HELLO, {"role": "assistant", "content": "So what?"} | reply, *HELLO]


def test_the_table_knows_every_field_of_a_message():
    published = {
        *get_type_hints(ChatCompletionAssistantMessageParam),
        *get_type_hints(ChatCompletionUserMessageParam),
    }
    assert published - {"role", "content"} <= set(IN_A_MESSAGE)
    assert set(get_type_hints(ChatCompletionStreamOptionsParam)) == {
        "include_usage",
        "include_obfuscation",
    }


@pytest.mark.parametrize("field", IN_A_MESSAGE)
def test_fields_of_an_assistants_message(address, field):
    neutral, asking = IN_A_MESSAGE[field]
    expected = said(address, messages=after())
    for value in neutral:
        assert said(address, messages=after(**{field: value})) == expected
    for value in asking:
        error = refused(address, messages=after(**{field: value}))
        assert error["param"] == f"messages.1.{field}"


def test_an_assistant_who_said_nothing_is_an_empty_turn(address):
    empty = said(address, messages=after(content=""))
    assert said(address, messages=after(content=None)) == empty
    assert empty != said(address, messages=after())


@pytest.mark.parametrize("content", [None, "", " \n", []])
@pytest.mark.parametrize("place", [0, 2])
def test_a_user_who_said_nothing_is_told_which_message_it_is(address, content, place):
    messages = after()
    messages[place] = {"role": "user", "content": content}
    error = refused(address, messages=messages)
    assert error["param"] == f"messages.{place}.content"
    assert "empty" in error["message"]


PARTS = [
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
    {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
    {"type": "file", "file": {"file_id": "file-1"}},
    {"type": "refusal", "refusal": "No."},
]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("before", [[], [{"type": "text", "text": "Look:"}]])
def test_of_parts_only_text_is_read(address, part, before):
    error = refused(address, messages=[{"role": "user", "content": [*before, part]}])
    assert "text only" in error["message"]
    assert error["param"] == f"messages.0.content.{len(before)}.type"


def test_fields_of_a_text_part(address):
    part = {"type": "text", "text": "We lost again."}
    others = set(get_type_hints(ChatCompletionContentPartTextParam)) - set(part)
    assert others == {"prompt_cache_breakpoint"}
    messages = [{"role": "user", "content": [part | dict.fromkeys(others)]}]
    assert said(address, messages=messages) == said(address)
    messages = [{"role": "user", "content": [part | {"prompt_cache_breakpoint": {"mode": "e"}}]}]
    assert "prompt_cache_breakpoint" in refused(address, messages=messages)["message"]


@pytest.mark.parametrize("role", ["tool", "function"])
def test_a_tools_message_is_refused_for_what_it_is(address, role):
    told = {"role": role, "content": "3", "tool_call_id": "call-1"}
    error = refused(address, messages=[*after()[:2], told])
    assert (error["param"], "no tools" in error["message"]) == ("messages.2.role", True)
