"""The request about some texts: placeholders filled in, variables from the environment."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from phoque.config import secret
from phoque.errors import PhoqueError
from phoque.moderators.classifier import Item
from phoque.moderators.endpoint.description import PLACE, VARIABLE, Description

HIDDEN = "(hidden)"


@dataclass(frozen=True)
class Ready:
    """A description with the values of its variables."""

    description: Description
    url: str
    headers: dict[str, str] = field(repr=False)

    @property
    def place(self) -> str:
        """The address without its query, which may hold a key."""
        before, asked, _ = self.url.partition("?")
        return f"{before}?{HIDDEN}" if asked else before

    def body(self, items: Sequence[Item]) -> bytes:
        """The body of a request about some items."""
        return json.dumps(_filled(self.description.body, items), ensure_ascii=False).encode()

    def shown(self, items: Sequence[Item]) -> str:
        """The request for people; what comes from the environment is not shown in headers."""
        lines = [f"{self.description.method} {self.place}"]
        lines += [
            f"{name}: {VARIABLE.sub(HIDDEN, value)}"
            for name, value in self.description.headers.items()
        ]
        body = json.dumps(_filled(self.description.body, items), ensure_ascii=False, indent=1)
        return "\n".join([*lines, "", body])


def ready(description: Description) -> Ready:
    """Read the variables; raises a `PhoqueError` if one is not set."""
    known = {name: secret(name) for name in description.variables}
    if unset := [name for name, value in known.items() if value is None]:
        told = f"needs the environment variable {unset[0]}, which is not set."
        raise PhoqueError(f"{description.name} {told}")

    def put(text: str) -> str:
        return VARIABLE.sub(lambda found: known[found[1]] or "", text)

    headers = {name: put(value) for name, value in description.headers.items()}
    if any(re.search(r"[\r\n]", value) for value in headers.values()):
        raise PhoqueError(f"A header of {description.name} has a line break. Check its variables.")
    return Ready(description, put(description.url), headers)


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
