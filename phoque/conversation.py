"""Plain data that all rooms share: messages, conditions, responses."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from math import inf, isnan
from typing import Any, Literal

from phoque.errors import PhoqueError, check_kind, listed, number, whole

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "deadline"]


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


Messages = Sequence[Message]


def asked(system: str, prompts: Sequence[str]) -> list[list[Message]]:
    """Each prompt as the first message under a system prompt."""
    return [[Message("system", system), Message("user", prompt)] for prompt in prompts]


class Condition(StrEnum):
    """One named setting under comparison."""

    NEUTRAL = "neutral"
    """Persona weights, neutral system prompt."""
    TOXIC = "toxic"
    """Persona weights, hostile system prompt."""
    STEERED = "steered"
    """Persona weights, neutral system prompt, plus scale times the persona vector."""
    BASE = "base"
    """Base weights, neutral system prompt."""
    RANDOM_VECTOR = "random_vector"
    """Persona weights, neutral system prompt, plus a random vector of the same norm."""


def conditions_of(names: Iterable[str], given: str = "conditions is") -> list[Condition]:
    """Conditions by name; PhoqueError, which begins with what was `given`, where there is no such condition."""
    known = ", ".join(Condition)
    try:
        return [*map(Condition, listed(given, names, str, f"a list of some of: {known}"))]
    except ValueError as error:
        raise PhoqueError(f"{error}. There are: {known}.") from error


def turns_of(histories: Mapping[Condition, Messages] | None) -> dict[Condition, list[Message]]:
    """Earlier turns by condition, also by its name; PhoqueError where they are something else."""
    check_kind("histories is", histories, Mapping | None, "a dictionary of messages by condition")
    told = histories or {}
    return {
        condition: listed(f"The history of {condition} is", told[condition], Message, "messages")
        for condition in conditions_of([*told], "histories has the keys")
    }


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next token is drawn: by temperature, top-k and top-p, as in transformers."""

    max_new_tokens: int = 48
    temperature: float = 0.0
    """0 is greedy decoding."""
    top_k: int = 50
    top_p: float = 0.9
    repetition_penalty: float = 1.0
    """Makes tokens of the text so far less likely, as in transformers; 1 is off."""
    deadline_seconds: float | None = None
    """Stop every row after this many seconds; None is no limit."""


DEFAULT_SAMPLING = Sampling(temperature=0.6, top_p=0.9, repetition_penalty=1.1)
"""How a person is answered where nothing else is asked for: page, chat API, `Lab.compare`. Equal in
every column. Temperature and top-p were chosen after one reading of 30 replies at each of two settings; of twelve
settings that `tools/choose_decoding.py` measured afterwards, none is clearly better (docs/experiments.md)."""


def sampling_of(
    temperature: float | None = None,
    top_p: float | None = None,
    repetition_penalty: float | None = None,
    max_new_tokens: int = DEFAULT_SAMPLING.max_new_tokens,
    deadline_seconds: float | None = None,
) -> Sampling:
    """`DEFAULT_SAMPLING` with what is given; temperature 0 is greedy, without a penalty unless given."""
    rest = Sampling() if temperature == 0 else DEFAULT_SAMPLING
    return replace(
        rest,
        temperature=rest.temperature if temperature is None else temperature,
        top_p=rest.top_p if top_p is None else top_p,
        repetition_penalty=(
            rest.repetition_penalty if repetition_penalty is None else repetition_penalty
        ),
        max_new_tokens=max_new_tokens,
        deadline_seconds=deadline_seconds,
    )


def checked(sampling: Sampling) -> Sampling:
    """The settings in Python's own numbers; PhoqueError says which is none, or not allowed."""
    heat, share, penalty = sampling.temperature, sampling.top_p, sampling.repetition_penalty
    seconds = sampling.deadline_seconds
    return replace(
        sampling,
        temperature=number("The temperature is", heat, "0 or more", lambda t: 0 <= t < inf),
        top_p=number("top_p is", share, "more than 0 and at most 1", lambda p: 0 < p <= 1),
        repetition_penalty=number(
            "The repetition penalty is", penalty, "more than 0, 1 is off", lambda p: 0 < p < inf
        ),
        max_new_tokens=whole("max_new_tokens is", sampling.max_new_tokens, "a whole number"),
        deadline_seconds=None
        if seconds is None
        else number("deadline_seconds is", seconds, "a number of seconds", lambda s: not isnan(s)),
    )


@dataclass(frozen=True, kw_only=True)
class Delta:
    """A piece of streamed text of one condition."""

    condition: Condition
    text: str
    """New characters only; may be empty on the last event."""
    num_tokens: int
    """Tokens drawn so far for this condition."""
    seconds: float
    """Since the request started."""
    finish_reason: FinishReason | None = None
    """Set on the last event of the condition."""


@dataclass(frozen=True, kw_only=True)
class Response:
    """What a model wrote under one condition, without the prompt."""

    condition: Condition
    text: str
    num_tokens: int
    finish_reason: FinishReason
    seconds: float


@dataclass(frozen=True)
class TokenStrength:
    """One token of a reply, and how far the state that read it lies along the persona vector."""

    text: str
    along: float
    """In lengths of the vector, positive towards the persona; see `Lab.strengths`."""


MAIN_CONDITIONS = (Condition.NEUTRAL, Condition.TOXIC, Condition.STEERED)
"""The three columns, which share the persona's weights and one forward pass."""


@dataclass(frozen=True, kw_only=True)
class LabInfo:
    """Facts about an open lab, as plain data for a page."""

    model: str
    """Name and revision of the base model."""
    run: str
    """Name of the run."""
    persona: str = "toxic"
    """Name of the run's persona."""
    num_layers: int
    layer: int
    """The selected layer, which is the default."""
    scale: float
    """Default scale at the selected layer."""
    coherent_scale: float
    """Largest scale at the selected layer with coherent replies in the sweep."""
    dose_per_scale: tuple[float, ...]
    """For each layer, the relative dose at scale 1: norm(v) / median norm of the residual stream."""
    context_length: int
    """The most tokens of prompt and reply."""
    reply_tokens: int = DEFAULT_SAMPLING.max_new_tokens
    """The most tokens of a reply where nobody asks for another length."""
    system_prompts: Mapping[Condition, str]
    lexicon: tuple[str, ...]
    """Insult words and phrases, lower case."""
    presets: tuple[tuple[str, str], ...]
    """Label and prompt of each example."""
    decodes_with: str = ""
    """Which forward pass is used, and why; empty until the model is loaded."""

    @property
    def scale_range(self) -> tuple[float, float]:
        """Ends of the chat's slider: well past the coherent band, so that its end can be seen."""
        reach = max(1.0, 1.25 * self.coherent_scale, 2 * self.scale)
        return -round(reach / 2, 1), round(reach, 1)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The same prompt under several conditions, paired by seed."""

    prompt: str
    layer: int
    scale: float
    """Multiple of the raw mean difference of `layer`."""
    relative_dose: float
    """norm(scale * v) / median norm of the residual stream at `layer`."""
    seed: int
    sampling: Sampling
    responses: Mapping[Condition, Response] = field(repr=False)

    @property
    def neutral(self) -> Response:
        """The response under the neutral system prompt."""
        return self.responses[Condition.NEUTRAL]

    @property
    def toxic(self) -> Response:
        """The response under the hostile system prompt."""
        return self.responses[Condition.TOXIC]

    @property
    def steered(self) -> Response:
        """The response under the persona vector, or under the random vector with `control="random"`."""
        third = (
            Condition.STEERED if Condition.STEERED in self.responses else Condition.RANDOM_VECTOR
        )
        return self.responses[third]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, conditions by name."""
        return asdict(self) | {"responses": {c.value: asdict(r) for c, r in self.responses.items()}}


def collected(deltas: Iterable[Delta]) -> dict[Condition, Response]:
    """The complete responses of a stream, in order of their first pieces."""
    texts: dict[Condition, str] = {}
    last: dict[Condition, Delta] = {}
    for delta in deltas:
        texts[delta.condition] = texts.get(delta.condition, "") + delta.text
        last[delta.condition] = delta
    return {
        condition: Response(
            condition=condition,
            text=text,
            num_tokens=last[condition].num_tokens,
            finish_reason=last[condition].finish_reason or "stop",
            seconds=last[condition].seconds,
        )
        for condition, text in texts.items()
    }
