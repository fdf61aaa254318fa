"""What a person writes about a service: request, answer, limits and cost; read strictly.

Paths into a JSON answer are `results[0].score`, `categories[*].severity`, `scores["a.b"]`.
"""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, JsonValue, field_validator, model_validator

from phoque.run.record import Part
from phoque.settings import read_shipped

SHIPPED = Path(__file__).parent / "services"
VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
"""An environment variable, in the URL and in headers."""
CONTENT_TYPE = "content-type"
PLACE = re.compile(r"\$\{([a-z]+)\}")
PLACES = ("text", "texts", "context", "messages")
"""What a body may ask for: the text, several at once, the messages before it, or both as a chat."""


class Answer(Part):
    """Where the verdict stands in an answer: exactly one of score and verdict."""

    each: str | None = None
    """Path of the list with one entry a text; None where an answer is about one text."""
    score: str | None = None
    """Path of a number, or of several of which the highest counts, within an entry."""
    scale: tuple[float, float] = (0.0, 1.0)
    """Scores that mean 0 and 1."""
    label: str | None = None
    """Path of the labels of the scores, in their order."""
    harm_labels: tuple[str, ...] = ()
    """Labels whose scores count, where labels are given."""
    verdict: str | None = None
    """Path of a word, or of true or false."""
    flagged_if: str | None = None
    """Regular expression of words that flag."""
    passes_if: str | None = None
    """Of words that pass; any other word is unknown."""

    @field_validator("each", "score", "label", "verdict")
    @classmethod
    def _a_path(cls, path: str | None) -> str | None:
        if path is not None:
            parsed(path)
        return path

    @field_validator("flagged_if", "passes_if")
    @classmethod
    def _a_pattern(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}.") from error
        return pattern

    @model_validator(mode="after")
    def _one(self) -> "Answer":
        if (self.score is None) == (self.verdict is None):
            raise ValueError("answer needs either score or verdict, and not both.")
        if (self.flagged_if is None) != (self.passes_if is None):
            raise ValueError("answer needs flagged_if and passes_if together.")
        if (self.label is None) != (not self.harm_labels):
            raise ValueError("answer needs label and harm_labels together.")
        if self.scale[0] >= self.scale[1]:
            raise ValueError("answer.scale gives the lowest score first, then the highest.")
        return self


class Description(Part):
    """A service that moderates texts over HTTP."""

    name: str = Field(min_length=1)
    url: str
    method: Literal["POST", "PUT"] = "POST"
    headers: dict[str, str] = Field(default_factory=dict)
    """`${NAME}` stands for an environment variable; no secret is written here."""
    body: JsonValue = None
    """`${text}` stands for the text; see `PLACES`."""
    answer: Answer
    threshold: float | None = Field(default=None, ge=0, le=1)
    """From this score on the service flags, where a policy does not say otherwise."""
    batch: int = Field(default=1, ge=1)
    """Texts a request; more than 1 needs `${texts}` and `answer.each`."""
    requests_per_second: float = Field(default=5.0, gt=0)
    at_once: int = Field(default=8, ge=1, le=64)
    """Requests under way at the same time."""
    retries: int = Field(default=4, ge=0)
    backoff: float = Field(default=1.0, ge=0)
    """Seconds before the first retry; every further one waits twice as long."""
    timeout: float = Field(default=30.0, gt=0)
    """Seconds."""
    cost_per_call: float = Field(default=0.0, ge=0)
    construct_: str = Field(default="see its description", alias="construct")
    licence: str = "see its terms"
    version: str = ""
    """Of what answers behind the address; answers to another version are not taken for its own."""

    @field_validator("version", mode="before")
    @classmethod
    def _as_text(cls, version: object) -> object:
        """In YAML 2 and 1.5 are numbers."""
        plain = isinstance(version, int | float) and not isinstance(version, bool)
        return str(version) if plain else version

    @field_validator("url")
    @classmethod
    def _a_url(cls, url: str) -> str:
        if not VARIABLE.match(url) and urlsplit(url).scheme not in {"http", "https"}:
            raise ValueError(f"{url!r} is no address that begins with http:// or https://.")
        return url

    @model_validator(mode="after")
    def _fits(self) -> "Description":
        if unknown := sorted(self.places - {*PLACES}):
            raise ValueError(f"body asks for ${{{unknown[0]}}}. Known: {', '.join(PLACES)}.")
        if not self.places & {"text", "texts", "messages"}:
            raise ValueError("body names no text: write ${text}, ${texts} or ${messages}.")
        if self.batch > 1 and ("texts" not in self.places or self.answer.each is None):
            raise ValueError("a batch of several texts needs ${texts} in body and answer.each.")
        return self

    @property
    def sent_headers(self) -> dict[str, str]:
        """All headers; a body is said to be JSON where the description says nothing else."""
        told = CONTENT_TYPE in map(str.lower, self.headers)
        return self.headers if told else {**self.headers, "Content-Type": "application/json"}

    @property
    def fixed_headers(self) -> dict[str, str]:
        """Headers that may choose the model: without keys, and without the kind of the body."""
        told = self.headers.items()
        return {
            name: value
            for name, value in told
            if name.lower() != CONTENT_TYPE and not VARIABLE.search(value)
        }

    @property
    def places(self) -> set[str]:
        """What the body asks for."""
        return {name for text in _texts_of(self.body) for name in PLACE.findall(text)}

    @property
    def takes_context(self) -> bool:
        """Whether requests hold the messages before the text."""
        return bool(self.places & {"context", "messages"})

    @property
    def variables(self) -> list[str]:
        """Environment variables it needs."""
        said = [self.url, *self.headers.values()]
        return list(dict.fromkeys(name for text in said for name in VARIABLE.findall(text)))


def read_description(name: str, beside: Path = Path()) -> Description:
    """A description that ships with the project, by its name, or a YAML file `beside` a folder.

    Raises a `PhoqueError` if there is none, or a field is wrong; names file and field.
    """
    return read_shipped("endpoint", name, SHIPPED, Description, beside)[0]


def is_local(url: str) -> bool:
    """Whether an address is of this machine, so that nothing leaves it."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _texts_of(value: JsonValue) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in _texts_of(one)]


STEP = re.compile(r'(?:^|\.)([^.\[\]]+)|\[(\d+)\]|\[(\*)\]|\["([^"]*)"\]')
EVERY = "*"
Steps = tuple[str | int, ...]


def parsed(path: str) -> Steps:
    """The steps of a path; the empty path is the answer itself. A `ValueError` if it is no path."""
    steps: list[str | int] = []
    end = 0
    for found in STEP.finditer(path):
        if found.start() != end:
            break
        key, number, every, quoted = found.groups()
        steps.append(int(number) if number else EVERY if every else key or quoted or "")
        end = found.end()
    if end != len(path):
        raise ValueError(
            f"{path!r} is no path; write keys with dots, [0] for a place and [*] for every one."
        )
    return tuple(steps)


def values_at(value: Any, path: Steps) -> list[Any]:
    """All values at a path, in order; `[*]` takes every entry of a list or an object."""
    found = [value]
    for step in path:
        found = [inner for one in found for inner in _inside(one, step)]
    return found


def _inside(value: Any, step: str | int) -> list[Any]:
    if step == EVERY and isinstance(value, list | dict):
        return list(value.values()) if isinstance(value, dict) else value
    if isinstance(step, int):
        return value[step : step + 1] if isinstance(value, list) else []
    return [value[step]] if isinstance(value, dict) and step in value else []
