"""The fields of `/v1/chat/completions`, from OpenAI's published schema, as clients send them.

Null and values without effect count as left out; what is wrong is told to the author of the request.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from phoque.serving.errors import RequestError

Neutral = Callable[[Any], bool]
"""Says whether a value of a field has no effect."""


class Fields(BaseModel):
    """An object of a request; an unknown field with an effect is refused by name."""

    model_config = ConfigDict(
        extra="forbid", strict=True, hide_input_in_errors=True, allow_inf_nan=False
    )
    neutral: ClassVar[Mapping[str, Neutral]] = {}
    """Fields that are not offered, and which of their values have no effect."""

    @model_validator(mode="before")
    @classmethod
    def _asked_for(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {
            name: value
            for name, value in given.items()
            if value is not None and not cls.neutral.get(name, _never)(value)
        }


def empty(value: Any) -> bool:
    """False, 0, and an empty text, list or object."""
    return not value


def flag(value: Any) -> bool:
    """True or false: neither changes a reply."""
    return isinstance(value, bool)


def zeros(value: Any) -> bool:
    """An object whose numbers are all 0."""
    return isinstance(value, dict) and not any(value.values())


def one_of(*values: Any) -> Neutral:
    """Any of these values."""
    return lambda value: value in values


def within(**defaults: Any) -> Neutral:
    """An object with nothing but these defaults."""
    return lambda value: isinstance(value, dict) and value.items() <= defaults.items()


def _never(_: Any) -> bool:
    return False


SAID: Mapping[str, str] = {
    "bool_type": "give true or false",
    "dict_type": "give an object",
    "extra_forbidden": "is not supported by this server; leave it out",
    "finite_number": "give a finite number",
    "float_type": "give a number",
    "greater_than": "give more than {gt:g}",
    "greater_than_equal": "give at least {ge:g}",
    "int_from_float": "give a whole number",
    "int_type": "give a whole number",
    "json_invalid": "the body is not JSON",
    "less_than_equal": "give at most {le:g}",
    "list_type": "give a list",
    "literal_error": "give {expected}",
    "missing": "is missing",
    "model_type": "give an object",
    "string_too_long": "give at most {max_length} characters",
    "string_too_short": "give a text, or leave it out",
    "string_type": "give a text",
    "too_long": "give at most {max_length}",
    "too_short": "give at least {min_length}",
}
OURS = {"content", "text_only"}
"""Errors of our own checks, which have their own words."""


def sentence(error: ErrorDetails) -> str:
    """What to do about pydantic's error; never quotes what was sent."""
    if error["type"] in OURS:
        return error["msg"]
    return SAID.get(error["type"], "cannot be read").format(**error.get("ctx", {}))


MOST_CHOICES = 8
MOST_STOPS = 4
LONGEST_STOP = 64


def _only_text(kind: Any) -> Any:
    if kind != "text":
        raise PydanticCustomError("text_only", "this server reads text only; leave the part out")
    return kind


def _parts(content: Any) -> Any:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise PydanticCustomError("content", "give a text, or a list of text parts")
    return content


def _listed(stop: Any) -> Any:
    return [stop] if isinstance(stop, str) else stop


Stop = Annotated[str, Field(min_length=1, max_length=LONGEST_STOP)]


class _Part(Fields):
    type: Annotated[str, BeforeValidator(_only_text)]
    text: str


class Turn(Fields):
    """One message of the conversation."""

    neutral: ClassVar = dict.fromkeys(
        ("annotations", "audio", "function_call", "name", "refusal", "tool_calls"), empty
    )

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Annotated[list[_Part], BeforeValidator(_parts)] = Field([])
    tool_call_id: str | None = None
    """A field of tool messages, which are refused."""

    @property
    def text(self) -> str:
        """The content, its parts joined."""
        return "".join(part.text for part in self.content)


class _StreamOptions(Fields):
    neutral: ClassVar = {"include_obfuscation": empty}

    include_usage: bool = False


class ChatRequest(Fields):
    """A chat completion as OpenAI defines it, plus layer, scale and control for steering."""

    neutral: ClassVar = {
        "frequency_penalty": empty,
        "function_call": one_of("none", "auto"),  # without functions, "auto" is a message, too
        "functions": empty,
        "logit_bias": zeros,
        "logprobs": empty,
        "modalities": one_of(["text"]),
        "parallel_tool_calls": flag,  # there are no tools to call
        "prediction": within(type="content", content=""),
        "presence_penalty": empty,
        "prompt_cache_options": within(mode="implicit", ttl="30m"),
        "prompt_cache_retention": one_of("in_memory"),
        "reasoning_effort": one_of("none"),
        "response_format": within(type="text"),
        "service_tier": one_of("auto", "default"),
        "store": empty,
        "tool_choice": one_of("none", "auto"),
        "tools": empty,
        "top_logprobs": empty,
        "verbosity": one_of("medium"),
    }

    model: str
    messages: list[Turn] = Field(min_length=1)
    n: int = Field(1, ge=1, le=MOST_CHOICES)
    seed: int | None = None
    stop: Annotated[list[Stop], BeforeValidator(_listed)] = Field([], max_length=MOST_STOPS)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    stream: bool = False
    stream_options: _StreamOptions = _StreamOptions()

    layer: int | None = None
    scale: float | None = None
    control: Literal["random"] | None = None

    # These say whose request it is; the reply does not depend on them.
    metadata: dict[str, str] | None = None
    prompt_cache_key: str | None = None
    safety_identifier: str | None = None
    user: str | None = None


def parsed(body: bytes) -> ChatRequest:
    """The request in a body; `RequestError` names the first wrong field and never quotes it."""
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        param = ".".join(map(str, first["loc"])) or None
        raise RequestError(f"{param or 'request'}: {sentence(first)}.", param=param) from None
