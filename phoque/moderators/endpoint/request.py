"""The request about some texts: placeholders filled in, variables from the environment."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlsplit

from pydantic import JsonValue

from phoque.config import secret
from phoque.errors import PhoqueError
from phoque.moderators.classifier import Item
from phoque.moderators.endpoint.description import PLACE, VARIABLE, Description

HIDDEN, ASKED = "(hidden)", "(the text)"
"""Stand for secrets, and for what a service was asked about."""
SHORTEST = 4
"""Characters of what is masked: shorter parts are in many words."""


@dataclass(frozen=True)
class Ready:
    """A description with the values of its variables."""

    description: Description
    url: str
    headers: dict[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What nobody may see: values of variables and of the query of the address."""
    opening: str = ""
    """The value of the variable that the address begins with: whose service it is, and no key."""

    @property
    def place(self) -> str:
        """The address without what may be a key: its query, and variables after its beginning."""
        described = self.description.url
        opening = VARIABLE.match(described)
        rest = VARIABLE.sub(HIDDEN, described[opening.end() if opening else 0 :])
        before, asked, _ = f"{self.opening}{rest}".partition("?")
        return f"{before}?{HIDDEN}" if asked else before

    def body(self, items: Sequence[Item]) -> bytes:
        """The body of a request about some items."""
        return json.dumps(_filled(self.description.body, items), ensure_ascii=False).encode()

    def shown(self, items: Sequence[Item]) -> str:
        """The request for people; what comes from the environment is not shown in headers."""
        lines = [f"{self.description.method} {self.place}"]
        lines += [
            f"{name}: {VARIABLE.sub(HIDDEN, value)}"
            for name, value in self.description.sent_headers.items()
        ]
        body = json.dumps(_filled(self.description.body, items), ensure_ascii=False, indent=1)
        return "\n".join([*lines, "", body])

    def masked(self, text: str, items: Sequence[Item]) -> str:
        """What a service said, in one line, without secrets and without what it was asked about."""
        turns = [turn.content for one in items for turn in one.context]
        # Secrets first: a text that is a part of one would break it, and leave the rest in sight.
        for value in sorted(self.secrets, key=len, reverse=True):
            text = _without(text, value, HIDDEN)
        for said in sorted({*turns, *(one.text for one in items)}, key=len, reverse=True):
            text = _without(text, said, ASKED)
        return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def ready(description: Description) -> Ready:
    """Read the variables; raises a `PhoqueError` if one is not set."""
    known = {name: secret(name) for name in description.variables}
    if unset := [name for name, value in known.items() if value is None]:
        told = f"needs the environment variable {unset[0]}, which is not set."
        raise PhoqueError(f"{description.name} {told}")

    def put(text: str) -> str:
        return VARIABLE.sub(lambda found: known[found[1]] or "", text)

    headers = {name: put(value) for name, value in description.sent_headers.items()}
    if any(re.search(r"[\r\n]", value) for value in headers.values()):
        raise PhoqueError(f"A header of {description.name} has a line break. Check its variables.")
    url = put(description.url)
    asked = [value for _, value in parse_qsl(urlsplit(url).query)]
    opening = VARIABLE.match(description.url)
    secrets = (*filter(None, known.values()), *asked)
    return Ready(description, url, headers, secrets, put(opening[0]) if opening else "")


def _without(text: str, part: str, told: str) -> str:
    """The text with a word in place of a part, also where JSON, once or twice, or an address has it."""
    if len(part) < SHORTEST:
        return text
    once = [json.dumps(part, ensure_ascii=plain)[1:-1] for plain in (False, True)]
    for form in (
        *(json.dumps(one)[1:-1] for one in once),
        *once,
        quote(part, safe="", errors="replace"),
        part,
    ):
        text = text.replace(form, told)
    return text


def _filled(value: JsonValue, items: Sequence[Item]) -> JsonValue:
    if isinstance(value, dict):
        return {key: _filled(inner, items) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, items) for inner in value]
    if not isinstance(value, str):
        return value
    if value == "${texts}":
        return [one.text for one in items]
    before, text = [turn.content for turn in items[0].context], items[0].text
    if value == "${messages}":
        return [{"role": "user", "content": said} for said in (*before, text)]
    known = {"text": text, "context": "\n".join(before)}
    return PLACE.sub(lambda found: known.get(found[1], found[0]), value)
