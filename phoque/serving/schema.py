"""The fields of `/v1/chat/completions`, from OpenAI's published schema."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from phoque.serving.errors import RequestError
from phoque.serving.fields import Fields, empty, flag, one_of, within, zeros
from phoque.serving.sentences import sentence

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
