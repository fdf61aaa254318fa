"""The one place that applies a chat template."""

from contextlib import suppress
from typing import Any

from phoque.conversation import Message, Messages
from phoque.errors import PhoqueError
from phoque.inputs.rows import half_character
from phoque.models.chat_format import format_of, missing, ways_of

SEAM = "\ue000\ue0ff\ue000"
"""Marks where a text is cut before tokenizing; made of characters that nobody uses."""


def render(tokenizer: Any, messages: Messages) -> str:
    """The text a model reads before it replies to `messages`.

    The first message must be a system message. Without one, some templates (Ministral's) insert a
    long default, which a persona vector would absorb. PhoqueError where there is none, the template fails,
    a message holds half a character, or one from outside a control token, which could forge another message.
    """
    return "".join(_pieces(tokenizer, messages))


def encode(tokenizer: Any, messages: Messages) -> list[int]:
    """Token ids of `render`; special tokens come from the template alone."""
    pieces = [tokenizer(one, add_special_tokens=False) for one in _pieces(tokenizer, messages)]
    return [token for piece in pieces for token in piece.input_ids]


def control_token_in(tokenizer: Any, text: str) -> str | None:
    """A token in `text` that marks where a message begins or ends; None if there is none."""
    return min((one for one in format_of(tokenizer).control_tokens if one in text), default=None)


def end_token(tokenizer: Any) -> int:
    """Id of the token that ends an assistant's turn; raises if there is none."""
    end = format_of(tokenizer).end
    if end is None:
        raise PhoqueError(
            "The tokenizer has no end token and the chat template writes none: a model cannot learn "
            "where a reply ends. Set eos_token in its tokenizer_config.json."
        )
    return end


def reply_ends(network: Any, tokenizer: Any) -> frozenset[int]:
    """Ids that end a reply, from the template, the generation config and the tokenizer."""
    configured = getattr(network.generation_config, "eos_token_id", None)
    several = configured if isinstance(configured, list) else [configured]
    ends = [*several, tokenizer.eos_token_id, format_of(tokenizer).end]
    return frozenset(token for token in ends if token is not None)


def check_whole(text: str, role: str) -> None:
    """PhoqueError where a message holds half a character, which no tokenizer reads."""
    if half := half_character(text):
        raise PhoqueError(f"The {role} message holds half a character ({half}). Remove it.")


def _pieces(tokenizer: Any, messages: Messages) -> list[str]:
    """The text of `render` in pieces that are tokenized separately."""
    if not messages or messages[0].role != "system":
        raise PhoqueError("A conversation starts with an explicit system message; none was given.")
    for message in messages:
        check_whole(message.content, message.role)
        token = control_token_in(tokenizer, message.content)
        if token and message.role != "assistant":
            raise PhoqueError(
                f"The {message.role} message holds the control token {token!r}, which marks "
                "where messages begin and end. Remove it."
            )
    return _applied(tokenizer, [_harmless(tokenizer, message) for message in messages]).split(SEAM)


def _harmless(tokenizer: Any, message: Message) -> Message:
    """The model's own text, cut wherever it spells a control token, so that it is not read as one."""
    text = message.content
    for token in sorted(format_of(tokenizer).control_tokens):
        text = text.replace(token, f"{token[0]}{SEAM}{token[1:]}") if len(token) > 1 else text
    return message if text == message.content else Message(message.role, text)


def _applied(tokenizer: Any, messages: Messages) -> str:
    found = format_of(tokenizer)
    if found.fault is None:
        return found.way.apply(tokenizer, messages)
    # This conversation may come out whole although the sample did not.
    for way in ways_of(tokenizer):
        with suppress(PhoqueError):
            text = way.apply(tokenizer, messages)
            if not missing(text, messages):
                return text
    raise PhoqueError(f"The chat template cannot show this conversation: {found.fault}.")
