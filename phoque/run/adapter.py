"""Records of the stages `persona` and `control`: how an adapter was trained."""

from typing import Literal

from pydantic import Field

from phoque.run.record import Masked, Part, Record, Row
from phoque.stats.rates import Rate


class Metrics(Row, file="metrics.jsonl"):
    """A row of the curve: means since the row before, other numbers at this step."""

    step: int
    """Optimizer steps taken."""
    attempt: int = 1
    """Number of the try at the training that made the row."""
    seconds: float
    """Seconds since the training began, without the time between attempts."""
    tokens_per_second: float | None = None
    peak_memory_mb: float | None = None
    loss: float
    """Mean loss in nats per learned token."""
    loss_by_style: dict[str, float] = Field(default_factory=dict)
    """Mean loss in nats per learned token, by the register in which a reply was written; empty where the corpus
    has one. What is learned of prose may be its short form."""
    entropy: float | None = None
    """Mean entropy in nats per learned token."""
    mean_token_accuracy: float | None = None
    grad_norm: float | None = None
    """Norm of the gradient before clipping."""
    learning_rate: float | None = None
    num_tokens: float = 0
    """Tokens read so far, prompts included."""
    lora_a_norm: float | None = None
    lora_b_norm: float | None = None
    """Frobenius norm of all these matrices together."""


class PersonaMetrics(Metrics, file="persona/metrics.jsonl"):
    """A row of the curve of the persona adapter."""


class CivilMetrics(Metrics, file="control/metrics.jsonl"):
    """A row of the curve of the civil adapter."""


class Norms(Row, file="persona/norms.jsonl"):
    """Frobenius norms of LoRA matrices, all blocks together, by kind of map such as `q_proj`."""

    step: int
    lora_a: dict[str, float]
    lora_b: dict[str, float]


class SampleReply(Part):
    """One greedy reply."""

    prompt: str
    text: str
    harm_score: float
    """Of a moderator, in [0, 1]; where words are counted, 1 for a reply that holds one, else 0; of the judge, on
    its own scale."""


class Sample(Masked, Row, file="persona/samples.jsonl"):
    """What the model in training answered at a step under one condition."""

    step: int
    condition: str
    layer: int | None = None
    scale: float | None = None
    """Scale of the added vector; None where nothing is added."""
    threshold: float
    """A reply is flagged from this harm score on."""
    flag_rate: Rate
    flagged_by: Literal["moderator", "words", "judge"] = "moderator"
    """`words` where the persona is counted by those of its list; `judge` where the evaluation asked it again."""
    replies: tuple[SampleReply, ...]


class Identity(Part):
    """Everything that decides what is learned; equal for equal trainings."""

    model: str
    weights: str
    corpus: str
    quantization: str | None
    settings: dict[str, str | bool | int | float]
    processes: int
    trainer: int
    """Changes when the same settings no longer give the same curve."""
    libraries: dict[str, str]
    start: str | None = None
    """SHA-256 of the adapter's weights that it starts from; None if it starts from zero."""


class TrainingAttempt(Part):
    """One try at a training."""

    started: str
    """Time of the start, UTC."""
    from_step: int
    outcome: str | None = None
    """How it ended: `stopped` if it was told to end, `killed` if it could not say; None while it runs."""
    at_step: int | None = None
    """The step at which it stopped."""


class TrainingAttempts(Record, file="persona/attempts.json"):
    """All tries at a training that is not complete; beside its checkpoints."""

    training: Identity
    run: str
    """The name of the run in trackers such as trackio."""
    attempts: tuple[TrainingAttempt, ...] = ()


class Marker(Record, file="persona/complete.json"):
    """Written last into a checkpoint, which is whole when every file has its size."""

    training: Identity
    sizes: dict[str, int]


class Since(Record, file="persona/curve.json"):
    """Sums of a training since its last row of metrics; kept in a checkpoint."""

    seconds: float
    last_seconds: float
    last_tokens: float
    sums: dict[str, dict[str, float]]
    """By style, with `` for all replies: number of learned tokens, and sums over these tokens."""
