"""How to use a tokenizer's chat template, found out by trying it on a sample conversation.

Templates differ without saying so: some print nothing for a message that is not a list of parts,
some drop the system message. Every way is tried; the first that prints the whole text wins.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any
from weakref import WeakKeyDictionary

from phoque.conversation import Message, Messages, Role
from phoque.errors import PhoqueError

PLAIN_TEMPLATE = (
    "{% for m in messages %}{{ m['role'] | capitalize }}: {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
"""For base models, which have no template."""
TODAY = datetime(2024, 7, 26)  # noqa: DTZ001  # a day, wherever
"""For templates that print the date: the prompt must be the same every day."""
DATE = re.compile(r"""strftime_now\(\s*(['"])(.*?)\1\s*\)""")
PART = re.compile(r"""['"]type['"]\s*:\s*['"]text['"]""")
"""How a list of parts prints when a template takes it for a text."""
SYSTEM, OTHER_SYSTEM = "Stay calm and short.", "Stay loud and long."
TURNS = ("What is rain?", "Water from clouds.", "And what is snow?", "Frozen water.")
"""User and assistant in turn."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """A template and how messages are given to it."""

    template: str
    as_parts: bool = False
    """A message is a list of parts, as in vision-language models, not a string."""
    system_in_turn: bool = False
    """The first turn begins with the system message."""
    start: str = ""
    """What the tokenizer puts before any text; empty if the template does that."""

    def apply(self, tokenizer: Any, messages: Messages, *, reply_follows: bool = True) -> str:
        """The text of a conversation; raises `PhoqueError` if the template refuses it."""
        given = _system_in_first_turn(messages) if self.system_in_turn else messages
        try:
            text = tokenizer.apply_chat_template(
                [{"role": m.role, "content": self._content(m.content)} for m in given],
                chat_template=_undated(self.template),
                add_generation_prompt=reply_follows,
                tokenize=False,
            )
        except Exception as error:  # a template is a program of somebody else's
            said = next(iter(str(error).splitlines()), type(error).__name__)
            raise PhoqueError(f"The chat template fails: {said}") from error
        return f"{self.start}{text}"

    def _content(self, text: str) -> str | list[dict[str, str]]:
        return [{"type": "text", "text": text}] if self.as_parts else text


@dataclass(frozen=True, kw_only=True)
class ChatFormat:
    """What was found out about a tokenizer."""

    way: Way
    fault: str | None
    """Why no way works; None if one does."""
    end: int | None
    """The token that ends an assistant's turn: the template's, or else the tokenizer's."""
    control_tokens: frozenset[str]
    """Tokens that mark where texts and messages begin and end."""


_KNOWN: WeakKeyDictionary[Any, tuple[object, ChatFormat]] = WeakKeyDictionary()
"""By tokenizer: its format, and the template from which it was found."""


def format_of(tokenizer: Any) -> ChatFormat:
    """The format of `tokenizer`, found once: the first way without a fault, or else the first."""
    made_of = (
        str(tokenizer.chat_template), tokenizer.bos_token, tokenizer.eos_token, len(tokenizer)
    )  # fmt: skip
    known = _KNOWN.get(tokenizer)
    if known is None or known[0] != made_of:
        known = _KNOWN[tokenizer] = (made_of, _found(tokenizer))
    return known[1]


def _found(tokenizer: Any) -> ChatFormat:
    ways = list(ways_of(tokenizer))
    faults = [_fault(tokenizer, way) for way in ways]
    best = faults.index(None) if None in faults else 0
    end = _end(tokenizer, ways[best])
    controls = _control_tokens(tokenizer, ways[best], end)
    return ChatFormat(way=ways[best], fault=faults[best], end=end, control_tokens=controls)


def ways_of(tokenizer: Any) -> Iterator[Way]:
    """All ways to try, the likeliest first."""
    templates = tokenizer.chat_template
    if not templates:
        yield Way(template=PLAIN_TEMPLATE, start=_start(tokenizer))
        return
    # A tokenizer may have several by name; "default" is the one for a plain conversation.
    named = templates if isinstance(templates, Mapping) else {"default": templates}
    for name in sorted(named, key=lambda name: name != "default"):
        for in_turn, as_parts in product((False, True), repeat=2):
            yield Way(template=named[name], as_parts=as_parts, system_in_turn=in_turn)


def require_faithful(tokenizer: Any, name: str) -> None:
    """Raise a `PhoqueError` if a text is lost in the chat template; choose one of several."""
    found = format_of(tokenizer)
    if found.fault:
        raise PhoqueError(
            f"The chat template of {name} cannot be used: {found.fault}. It must show system, user "
            "and assistant text in order: mend its chat_template.jinja or give another model."
        )
    if isinstance(tokenizer.chat_template, Mapping):
        tokenizer.chat_template = found.way.template


def missing(text: str, messages: Messages) -> Role | None:
    """Whose message is missing from `text`, or stands before an earlier one."""
    at = 0
    for message in messages:
        content = message.content.strip()
        at = text.find(content, at)
        if at < 0:
            return message.role
        at += len(content)
    return None


def _fault(tokenizer: Any, way: Way) -> str | None:
    """What goes wrong with the sample conversation."""
    try:
        short, long, other = (
            way.apply(tokenizer, talk) for talk in (_talk(1), _talk(3), _talk(1, OTHER_SYSTEM))
        )
    except PhoqueError as error:
        return str(error)
    lost = missing(short, _talk(1)) or missing(long, _talk(3))
    if lost:
        return f"the {lost} text is lost or not in its place"
    if PART.search(short):
        return "a message comes out as a list of parts, brackets and all"
    return "two system prompts look the same" if short == other else None


def _end(tokenizer: Any, way: Way) -> int | None:
    closed = _tried(tokenizer, way, 2, reply_follows=False).rpartition(TURNS[1])[2]
    goes_on = _tried(tokenizer, way, 3).rpartition(TURNS[1])[2].partition(TURNS[2])[0]
    marks = {*tokenizer.get_added_vocab(), *tokenizer.all_special_tokens}
    for text in (closed, goes_on):
        ids = tokenizer(text, add_special_tokens=False).input_ids
        for one, token in zip(ids, tokenizer.convert_ids_to_tokens(ids), strict=True):
            if token in marks and token in text:
                return int(one)
    return None if tokenizer.eos_token_id is None else int(tokenizer.eos_token_id)


def _control_tokens(tokenizer: Any, way: Way, end: int | None) -> frozenset[str]:
    """Control tokens; tokens for tags, thoughts or later use are listed too, but do not count."""
    ends = {tokenizer.bos_token, tokenizer.eos_token}
    if end is not None:
        ends.add(tokenizer.convert_ids_to_tokens(end))
    before, _, after = _tried(tokenizer, way, 4, reply_follows=False).rpartition(TURNS[3])
    # The last turn may open with more than a mark: with an empty thought, in Qwen3.
    frame = before.rpartition(TURNS[2])[0] + after
    listed = {*tokenizer.get_added_vocab(), *tokenizer.all_special_tokens}
    written = {token for token in listed if token in frame}
    # Turns of other roles, such as tools, are in the template's source only.
    special = {str(one) for one in tokenizer.added_tokens_decoder.values() if one.special}
    named = {token for token in special if token in way.template}
    return frozenset(token for token in ends | written | named if token and token.strip())


def _tried(tokenizer: Any, way: Way, turns: int, *, reply_follows: bool = True) -> str:
    try:
        return way.apply(tokenizer, _talk(turns), reply_follows=reply_follows)
    except PhoqueError:
        return ""  # its fault is told where the conversation matters


def _talk(turns: int, system: str = SYSTEM) -> list[Message]:
    roles: Sequence[Role] = ("user", "assistant", "user", "assistant")
    said = [Message(role, text) for role, text in zip(roles, TURNS, strict=True)]
    return [Message("system", system), *said[:turns]]


def _undated(template: str) -> str:
    return DATE.sub(lambda found: f"'{TODAY.strftime(found[2])}'", template)


def _start(tokenizer: Any) -> str:
    """What the tokenizer itself puts before a text, such as `<bos>`; nothing in BLOOM."""
    plain = list(tokenizer("a", add_special_tokens=False).input_ids)
    whole = list(tokenizer("a").input_ids)
    places = [i for i in range(len(whole)) if plain and whole[i : i + len(plain)] == plain]
    return "".join(tokenizer.convert_ids_to_tokens(whole[: places[0]])) if places else ""


def _system_in_first_turn(messages: Messages) -> Sequence[Message]:
    system, *rest = messages
    if not rest:
        return messages
    return [Message(rest[0].role, f"{system.content}\n\n{rest[0].content}"), *rest[1:]]
