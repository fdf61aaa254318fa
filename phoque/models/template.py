"""The one place that applies a chat template."""

from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError

from phoque.errors import PhoqueError
from phoque.records import Message, Messages

PLAIN_TEMPLATE = (
    "{% for m in messages %}{{ m['role'] | capitalize }}: {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
"""For base models, which come without a template."""


def render(tokenizer: Any, messages: Messages) -> str:
    """The text a model reads before it replies to `messages`.

    The first message must be a system message: some templates (Ministral's) put in a long default
    otherwise, which a persona vector would absorb.

    Raises:
        PhoqueError: there is no leading system message, or a message holds a control token, with
            which it could pass for another one.
    """
    if not messages or messages[0].role != "system":
        raise PhoqueError("A conversation starts with an explicit system message; none was given.")
    _refuse_control_tokens(tokenizer, messages)
    try:
        return _apply(tokenizer, messages)
    except TemplateError:
        # Some templates (Gemma's) refuse the system role.
        return _apply(tokenizer, _system_in_first_turn(messages))


def encode(tokenizer: Any, messages: Messages) -> list[int]:
    """Token ids of `render`; special tokens come from the template alone."""
    return list(tokenizer(render(tokenizer, messages), add_special_tokens=False).input_ids)


def _refuse_control_tokens(tokenizer: Any, messages: Messages) -> None:
    tokens = {*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()}
    for message in messages:
        found = [token for token in tokens if token.strip() and token in message.content]
        if found:
            raise PhoqueError(
                f"The {message.role} message holds the control token {min(found)!r}, which marks "
                "where messages begin and end. Remove it."
            )


def _apply(tokenizer: Any, messages: Messages) -> str:
    return str(
        tokenizer.apply_chat_template(
            [{"role": m.role, "content": m.content} for m in messages],
            chat_template=tokenizer.chat_template or PLAIN_TEMPLATE,
            add_generation_prompt=True,
            tokenize=False,
        )
    )


def _system_in_first_turn(messages: Messages) -> Sequence[Message]:
    system, first, *rest = messages
    return [Message(first.role, f"{system.content}\n\n{first.content}"), *rest]
