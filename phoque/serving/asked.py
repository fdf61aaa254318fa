"""Turn a client's request into rows of the engine, after checking every field."""

from dataclasses import dataclass, replace

from phoque.conversation import Condition, Message, Sampling, sampling_of
from phoque.errors import PhoqueError
from phoque.lab import LARGEST_SEED, Lab
from phoque.models.template import encode
from phoque.serving.batch import Work
from phoque.serving.errors import RequestError
from phoque.serving.schema import ChatRequest, Turn
from phoque.serving.worker import MOST_TOKENS, AwaitedJob

MODELS = {
    "phoque-neutral": Condition.NEUTRAL,
    "phoque-toxic": Condition.TOXIC,
    "phoque-steered": Condition.STEERED,
}
DEFAULT_SEED = 42
DEFAULT_TOKENS = 200
STEERING = ("layer", "scale", "control")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A checked request."""

    name: str
    """The model's name in the request."""
    prompt: list[int]
    job: AwaitedJob
    num_choices: int
    facts: dict[str, str | int | float]
    """On what a reply depends; layer and scale only where a vector is added."""

    def choices(self, row: int) -> range:
        """The choices that each row writes: equal greedy choices share a row."""
        return range(self.num_choices) if len(self.job.work.rows) == 1 else range(row, row + 1)


def asked(lab: Lab, body: ChatRequest) -> Asked:
    """Check a request against the run; its defaults are those of `lab.compare`.

    Choice i draws with seed + i under every condition, so that conditions are paired. RequestError says
    which field is wrong, and what the run has.
    """
    condition = condition_of(body)
    *history, last = turns(body)
    seed = DEFAULT_SEED if body.seed is None else body.seed
    if not 0 <= seed <= LARGEST_SEED - body.n:
        raise RequestError("seed: give a whole number from 0 to 2**63 - 1 - n.", param="seed")
    sampling = _sampling(body)
    earlier = {condition: history}
    try:
        request = lab.request(
            last.content, [condition], body.layer, body.scale, seed, sampling, earlier
        )
        row = request.rows[condition]
        prompt = encode(lab.model.tokenizer, row.messages)
    except PhoqueError as error:
        raise RequestError(str(error)) from error
    _check_length(len(prompt), sampling, min(MOST_TOKENS, lab.model.context_length))
    seeds = range(seed, seed + (body.n if sampling.temperature else 1))
    rows = [replace(row, seed=seed) for seed in seeds]
    work = Work(model=lab.model, rows=rows, sampling=sampling)
    facts = _facts(lab, condition, seed, sampling)
    if condition in (Condition.STEERED, Condition.RANDOM_VECTOR):
        dose = lab.vectors.relative_dose(request.layer, request.scale)
        facts |= {"layer": request.layer, "scale": request.scale, "relative_dose": dose}
    job = AwaitedJob(work, body.stop)
    return Asked(name=body.model, prompt=prompt, job=job, num_choices=body.n, facts=facts)


def condition_of(body: ChatRequest) -> Condition:
    """The condition of a model's name; raises if there is none or nothing to steer."""
    if body.model not in MODELS:
        raise unknown_model()
    condition = MODELS[body.model]
    given = [field for field in STEERING if getattr(body, field) is not None]
    if given and condition is not Condition.STEERED:
        raise RequestError(
            f"{given[0]}: only phoque-steered takes it; {body.model} adds no vector.",
            param=given[0],
        )
    return Condition.RANDOM_VECTOR if body.control else condition


def unknown_model() -> RequestError:
    """The error 404 for a model that is not served."""
    return RequestError(
        f"There is no such model. There are: {', '.join(MODELS)}.",
        status=404,
        param="model",
        code="model_not_found",
    )


def turns(body: ChatRequest) -> list[Message]:
    """The conversation without a system message.

    RequestError where there is a system or tool message or an empty user message, or the turns do
    not alternate and end with the user.
    """
    for place, turn in enumerate(body.messages):
        _check_role(place, turn)
        if turn.role == "user" and not turn.text.strip():
            where = f"messages.{place}.content"
            raise RequestError(f"{where}: the user's message is empty; give a text.", param=where)
    if body.messages[-1].role != "user":
        raise RequestError("messages: the last one must be the user's.", param="messages")
    return [
        Message("user" if turn.role == "user" else "assistant", turn.text) for turn in body.messages
    ]


def _check_role(place: int, turn: Turn) -> None:
    code, refused = None, f"a {turn.role} message is refused, because"
    if turn.role in ("system", "developer"):
        code, why = "system_prompt_is_fixed", "each model's own system prompt is what sets it apart"
        said = f"{refused} {why} from the others. Leave the message out."
    elif turn.role in ("tool", "function"):
        said = f"{refused} this server calls no tools. Leave the message out."
    elif turn.role != ("user", "assistant")[place % 2]:
        said = "user and assistant take turns, beginning with the user."
    else:
        return
    raise RequestError(f"messages.{place}: {said}", param=f"messages.{place}.role", code=code)


def _sampling(body: ChatRequest) -> Sampling:
    return sampling_of(
        temperature=body.temperature,
        top_p=body.top_p,
        max_new_tokens=body.max_completion_tokens or body.max_tokens or DEFAULT_TOKENS,
    )


def _check_length(num_prompt: int, sampling: Sampling, most: int) -> None:
    if num_prompt + sampling.max_new_tokens > most:
        raise RequestError(
            f"The prompt is {num_prompt} tokens long, system prompt included; with max_tokens "
            f"{sampling.max_new_tokens} that is more than the {most} that fit. Shorten either.",
            param="messages",
            code="context_length_exceeded",
        )


def _facts(
    lab: Lab, condition: Condition, seed: int, sampling: Sampling
) -> dict[str, str | int | float]:
    return {
        "run": lab.info.run,
        "weights": lab.info.model,
        "condition": condition.value,
        "seed": seed,
        "max_tokens": sampling.max_new_tokens,
        "temperature": sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "repetition_penalty": sampling.repetition_penalty,
    }
