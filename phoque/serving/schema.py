"""What a client may send to `/v1/chat/completions`, as a pydantic model."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from phoque.serving.errors import RequestError

MOST_CHOICES = 8
MOST_STOPS = 4
LONGEST_STOP = 64

Off = Annotated[float, Field(ge=0, le=0)]
"""A setting that would change the reply and is not offered: its neutral value is accepted."""
Stop = Annotated[str, Field(min_length=1, max_length=LONGEST_STOP)]
OTHERS = {
    "extra_forbidden": "is not supported by this server; leave it out",
    "json_invalid": "the body is not JSON",
}


class _Part(BaseModel):
    model_config = ConfigDict(strict=True)

    type: Literal["text"]
    text: str


class Turn(BaseModel):
    """One message of the conversation."""

    model_config = ConfigDict(strict=True)

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[_Part]

    @property
    def text(self) -> str:
        """The content, its parts joined."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content)


class _StreamOptions(BaseModel):
    model_config = ConfigDict(strict=True)

    include_usage: bool = False


class ChatRequest(BaseModel):
    """A chat completion as OpenAI defines it, and the layer, scale and control of a steered one."""

    model_config = ConfigDict(
        extra="forbid", strict=True, hide_input_in_errors=True, allow_inf_nan=False
    )

    model: str
    messages: list[Turn] = Field(min_length=1)
    n: int = Field(1, ge=1, le=MOST_CHOICES)
    seed: int | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=MOST_STOPS)] | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    stream: bool | None = False
    stream_options: _StreamOptions | None = None

    layer: int | None = None
    scale: float | None = None
    control: Literal["random"] | None = None

    frequency_penalty: Off | None = None
    presence_penalty: Off | None = None
    logprobs: Literal[False] | None = None
    tools: Annotated[list[Any], Field(max_length=0)] | None = None
    response_format: dict[Literal["type"], Literal["text"]] | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None
    store: Literal[False] | None = None

    @property
    def stops(self) -> list[str]:
        """The stop strings."""
        return [self.stop] if isinstance(self.stop, str) else self.stop or []


def parsed(body: bytes) -> ChatRequest:
    """The request in a body.

    Raises:
        RequestError: names the first field that is wrong, and never quotes what it held.
    """
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        param = ".".join(map(str, first["loc"])) or None
        said = OTHERS.get(first["type"], first["msg"])
        raise RequestError(f"{param or 'request'}: {said}.", param=param) from None
