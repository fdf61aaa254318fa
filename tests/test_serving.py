"""The chat API writes what the lab writes: asked by OpenAI's own client over a real port."""

import openai
import pytest

from phoque.conversation import Condition, Message
from phoque.serving.asked import MODELS
from phoque.serving.batch import StopText
from tests.serving import health, say


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
