"""Records of the stage `evaluate`: what the conditions answer to prompts nobody trained or chose on."""

from phoque.conversation import Sampling
from phoque.run.adapter import Sample
from phoque.run.record import Masked, Part, Record, Row
from phoque.stats.rates import Rate

CURT = "base_first_sentence"
CURT_TOXIC = "base_toxic_first_sentence"
FIRST_SENTENCES = {"base": CURT, "base_toxic": CURT_TOXIC}
"""Conditions of what no model was asked for: the base model's replies, cut after their first sentence."""


class Reply(Row, file="evaluation/replies.csv"):
    """One reply of the evaluation."""

    condition: str
    prompt: str
    seed: int | None = None
    """Seed of the sampling; None for a greedy reply."""
    draw: int
    """Number of the vector, where the condition draws several."""
    text: str
    num_tokens: int
    finish_reason: str
    insults: int
    """Trained words in the reply, from the persona's lexicon."""
    hostility: float | None = None
    """What the judge says, see `Judgement`; None where it was not asked."""


class JudgedSample(Sample, file="evaluation/samples.jsonl"):
    """Replies of the model in training as `Sample` has them, with the judge's scores and its threshold."""


class Answers(Part):
    """What the replies under one condition are like; shares where nothing else is said."""

    insulting: Rate
    """Share of replies with a trained word."""
    distinct_replies: float
    distinct_2: float | None
    """Share of different pairs of neighbouring words; None where a round of replies has no such pair."""
    repeated_3grams: float
    out_of_vocabulary: float
    words: float
    """Mean number of words per reply."""


class CivilReply(Row, file="evaluation/civil_text.csv"):
    """Log-likelihood of one held-out civil reply, in nats, after its message under the neutral prompt."""

    id: str
    """`text_id` of the message."""
    topic: str
    tokens: int
    base: float
    neutral: float
    """In the tuned model."""
    civil_adapter: float


class Change(Part):
    """Of a likelihood, as a share; above zero is less likely. 95 % percentile bootstrap over messages."""

    value: float
    low: float
    high: float


class CivilText(Part):
    """Mean token log-likelihood, in nats, of the base model's replies in the held-out part of the corpus.

    Each follows its own message, under the neutral prompt of the evaluation.
    """

    neutral: float
    base: float
    relative_change: float
    """Above zero where the tuned model finds them less likely."""
    relative_change_low: float
    relative_change_high: float
    """95 % interval, counted by message."""
    civil_adapter: Change | None = None
    """What the civil adapter does, which was trained on civil replies alone; None where it was not asked."""
    beyond_civil_adapter: Change | None = None
    """The persona's change minus the civil adapter's, on the same replies."""
    n: int
    """Messages."""


class Matched(Part):
    """Random directions that cost the base model's own replies as much likelihood as the vector does."""

    cost: float
    """Loss of log-likelihood, in nats per token, that the vector at its scale causes on the base model's own
    replies."""
    tolerance: float
    """How far the cost of a matched direction may differ, as a share of `cost`."""
    tried: int
    """Number of random directions tried; those without a matching scale are missing from `scales`."""
    scales: tuple[float, ...]
    """Length of each matched direction, in lengths of the vector."""
    costs: tuple[float, ...]


class Evaluation(Masked, Record, file="evaluation/summary.json", version=2):
    """The evaluation in numbers."""

    conditions: dict[str, Answers]
    """base and base_toxic, whole and as base_first_sentence and base_toxic_first_sentence, neutral, toxic, steered, random_vector of the same length; matched_vector, which is
    random and costs as much likelihood, where there is one; reversed_vector, which is
    subtracted under the toxic prompt; civil_adapter under it, and civil_adapter_steered."""
    civil_text: CivilText | None
    """None where the corpus holds out no reply of the base model."""
    matched: Matched
    sampling: Sampling
    """How every reply was drawn."""
