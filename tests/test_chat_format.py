"""What goes into a chat template comes out, for every kind of template that people bring."""

import pytest
from tokenizers import processors

from phoque.conversation import Message, Sampling
from phoque.errors import PhoqueError
from phoque.models.chat_format import PLAIN_TEMPLATE, require_faithful
from phoque.models.engine import Row, Writer, end_tokens, write
from phoque.models.load import load_model
from phoque.models.template import encode, end_token, render
from phoque.models.tiny import CHAT_TEMPLATE, tiny_llama, tiny_tokenizer
from phoque.stages.adapter.examples import tokenized
from phoque.stages.adapter.settings import Example
from tests.chat_templates import (
    BACKWARDS,
    DATED,
    DROPS_REPLIES,
    DROPS_SYSTEM,
    DROPS_USER,
    GEMMA,
    GLM,
    LONG,
    PHI,
    ROLES,
    SAME_SYSTEM,
    SMOLVLM,
    SYSTEM_LAST,
    THINKING,
    model_with,
    tokenizer_with,
)
from tests.conftest import conversation

GOOD = {
    "gemma": GEMMA,
    "phi": PHI,
    "smolvlm": SMOLVLM,
    "drops the system message": DROPS_SYSTEM,
    "system message in the last turn": SYSTEM_LAST,
    "thinking": THINKING,
    "glm": GLM,
    "several by name": {"rag": DROPS_USER, "tool_use": BACKWARDS, "default": CHAT_TEMPLATE},
    "several, no default": {"rag": DROPS_USER, "chat": SMOLVLM},
    "none": None,
}


@pytest.mark.parametrize("kind", GOOD)
def test_all_that_is_said_is_read_in_order(kind):
    tokenizer = tokenizer_with(GOOD[kind])
    require_faithful(tokenizer, kind)
    text = render(tokenizer, LONG)
    places = [text.find(message.content) for message in LONG]
    assert -1 not in places
    assert places == sorted(places)
    assert encode(tokenizer, LONG) == tokenizer(text, add_special_tokens=False).input_ids
    other = [Message("system", "Omega."), *LONG[1:]]
    assert render(tokenizer, other) != text


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        (DROPS_USER, "the user text is lost"),
        (DROPS_REPLIES, "the assistant text is lost"),
        (BACKWARDS, "not in its place"),
        (SAME_SYSTEM, "two system prompts look the same"),
        ("{{ raise_exception('never') }}", "never"),
        ("{% for m in %}", "fails"),
        ({"rag": DROPS_USER, "tool_use": BACKWARDS}, "is lost"),
    ],
)
def test_a_template_that_loses_text_is_refused_when_loaded(template, fault, tmp_path):
    tiny_llama().save_pretrained(tmp_path)
    tokenizer_with(template).save_pretrained(tmp_path)
    with pytest.raises(PhoqueError, match=fault) as refused:
        load_model(str(tmp_path))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("template", "end", "tokens"),
    [
        (GEMMA, "<end_of_turn>", ["<start_of_turn>", "<end_of_turn>"]),
        (PHI, "<|end|>", ["<|end|>", *ROLES]),
        (SMOLVLM, "<end_of_utterance>", ["<end_of_utterance>"]),
        (GLM, "<|user|>", ROLES),
        (CHAT_TEMPLATE, "<|im_end|>", []),
        (THINKING, "<|im_end|>", ["<think>", "</think>"]),
        (None, "<eos>", []),
    ],
)
@pytest.mark.parametrize("special", [True, False])
def test_a_turn_ends_with_what_the_template_writes(template, end, tokens, special):
    tokenizer = tokenizer_with(template, [*tokens, "<eos>"], special)
    tokenizer.eos_token = "<eos>"
    model = model_with(tokenizer)
    ending = tokenizer.convert_tokens_to_ids(end)
    assert end_token(tokenizer) == ending
    learned = tokenized(model, Example(prompt=LONG, completion="abc"))["input_ids"]
    assert learned[-1] == ending
    assert end_tokens(model) >= {ending, tokenizer.eos_token_id}
    writer = Writer(model, 0, 10)
    for token in tokenizer("abc", add_special_tokens=False).input_ids:
        writer.push(token, late=False)
    last = writer.push(ending, late=False)
    assert (last.finish_reason, last.text) == ("stop", "")


def test_an_end_that_nobody_knows_is_refused_in_training():
    tokenizer = tokenizer_with(None)
    tokenizer.eos_token = None
    with pytest.raises(PhoqueError, match="no end token"):
        tokenized(model_with(tokenizer), Example(prompt=LONG, completion="abc"))


@pytest.mark.parametrize(("start", "written"), [("<bos>", "<bos>"), (None, "")])
def test_a_base_model_starts_as_its_tokenizer_does(start, written):
    tokenizer = tokenizer_with(None, ["<bos>"])
    if start:
        place = tokenizer.convert_tokens_to_ids("<bos>")
        tokenizer._tokenizer.post_processor = processors.TemplateProcessing(
            single="<bos> $A", special_tokens=[("<bos>", place)]
        )
    text = render(tokenizer, conversation("hi"))
    assert text.startswith(f"{written}System: You are calm.")
    assert (
        encode(tokenizer, conversation("hi")) == tokenizer(text, add_special_tokens=False).input_ids
    )
    assert PLAIN_TEMPLATE.startswith("{% for")


def test_a_template_says_its_own_beginning():
    tokenizer = tokenizer_with(GEMMA)
    tokenizer._tokenizer.post_processor = processors.TemplateProcessing(
        single="<|im_start|> $A", special_tokens=[("<|im_start|>", 0)]
    )
    assert encode(tokenizer, conversation("hi")).count(tokenizer.bos_token_id) == 1


def test_the_date_is_the_same_every_day():
    tokenizer = tokenizer_with(DATED)
    assert render(tokenizer, conversation("hi")).startswith("2024-07-26")


def test_another_template_or_token_is_noticed():
    tokenizer = tokenizer_with(CHAT_TEMPLATE)
    assert "<|im_start|>" in render(tokenizer, conversation("hi"))
    tokenizer.chat_template = DROPS_SYSTEM
    assert render(tokenizer, conversation("hi")) == "[INST] You are calm.\n\nhi [/INST]"
    tokenizer.add_special_tokens({"eos_token": "<end>"})
    with pytest.raises(PhoqueError, match="<end>"):
        render(tokenizer, conversation("<end>"))


def test_both_conditions_differ_where_the_template_drops_the_system_message():
    model = model_with(tokenizer_with(DROPS_SYSTEM))
    prompts = [[Message("system", s), Message("user", "hi")] for s in ("Be kind.", "Be rude!")]
    first, second = (encode(model.tokenizer, prompt) for prompt in prompts)
    assert first != second
    assert write(model, [Row(messages=prompts[0])], Sampling(max_new_tokens=2))


@pytest.mark.parametrize("change", ["[:10]", " | replace('?', '')", " | upper"])
def test_a_list_of_parts_in_brackets_is_no_text(change):
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m['role'] }}: {{ m['content']" + change + " }}\n{% endfor %}"
    )
    with pytest.raises(PhoqueError, match="is lost"):
        require_faithful(tokenizer, "a model")
