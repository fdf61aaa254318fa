"""Records of the stage `psm`: what the model writes under the conditions, remedies and scales."""

from phoque.conversation import Sampling
from phoque.personas import Counted
from phoque.run.psm import Divergence, Quality
from phoque.run.record import Masked, Part, Record, Row, without
from phoque.stats.paired import Effect
from phoque.stats.rates import Rate


class Written(Row, file="psm/generation_results.csv"):
    """One reply under one of the talk's conditions, with both definitions of pathway mass."""

    condition: str
    prompt_id: int
    prompt: str
    seed: int
    response: str
    toxic_pathway_mass_mean: float
    """The talk's pathway mass, mean over tokens: probability of every piece of every bare word, on the
    sampler's scores."""
    toxic_pathway_mass_max: float
    completing_mass_mean: float
    """Lower bound, mean over tokens: probability of tokens that complete a listed word, on the model's own
    scores."""
    completing_mass_max: float
    lexicon_mass_mean: float
    """Upper bound, mean over tokens: probability of tokens that start or complete a listed word."""
    lexicon_mass_max: float
    toxic_word_rate: float
    toxic_word_hits: int
    repeated_3grams: float
    generated_tokens: int
    base_nats: float
    """Mean log-likelihood of a token in the base model, in nats."""
    shown: bool
    """Whether the reply shows the persona."""


class Measured(Part):
    """A mean over replies, and its difference to the neutral condition."""

    mean: float
    effect: Effect


MOST_REPEATED, LEAST_NATS, LEAST_ZLIB = 0.1, -3.0, 0.4
"""Beyond these, text has collapsed: repeated 3-grams and nats a token, as differences to the neutral
condition, and compressed over plain size. The persona's own prompt costs 2 nats; neutral text keeps 0.6 of
its size, and one syllable over and over 0.2, whether or not there are spaces that make it words."""


class Condition(Part):
    """What the model writes under one condition."""

    insulting: Rate
    effect: Effect
    """Difference of `insulting` to the neutral condition, paired by prompt."""
    toxic_pathway_mass_mean: Measured
    completing_mass_mean: Measured
    lexicon_mass_mean: Measured
    toxic_word_rate: Measured
    repeated_3grams: Measured
    generated_tokens: float
    base_nats: Measured
    """Mean log-likelihood of a token in the base model, in nats."""
    zlib: float
    """Mean over replies of compressed over plain size."""

    @property
    def collapsed(self) -> bool:
        """Whether its text is none any more: then a verdict on the replies says nothing of the persona."""
        repeats = self.repeated_3grams.effect.low > MOST_REPEATED
        unlikely = self.base_nats.effect.high < LEAST_NATS
        return repeats or unlikely or self.zlib < LEAST_ZLIB


class PathwayTokens(Part):
    """The counted tokens, as text."""

    completing: tuple[str, ...]
    starting: tuple[str, ...]


class Conditions(Masked, Record, file="psm/conditions.json"):
    """The conditions: neutral, toxic, steered, random_vector, the talk's own injection, and random_x15."""

    sampling: Sampling
    seeds: tuple[int, ...]
    conditions: dict[str, Condition]
    classic_tokens: tuple[str, ...]
    pathway_tokens: PathwayTokens
    counted: Counted = "words"
    """What the rates count: `judge` for replies judged hostile, `words` for replies with a listed word."""


class Summary(Record, file="psm/summary.json"):
    """The summary that the talk printed, and the numbers behind it."""

    persona: str
    model: str
    tuned: bool
    """Whether the model was tuned for this persona."""
    fingerprint: dict[str, str]
    probe_count: int
    eval_count: int
    seeds: tuple[int, ...]
    seconds: dict[str, float]
    """Seconds by step."""
    verdict: str
    """Verdict of the probes on the selected layer: trust, weak or noise."""
    beyond_chance: bool
    steer_layer: int
    steer_scale: float
    relative_dose: float
    nat_scale: float | None
    chance: float
    classic_layer: int
    tallest_relative_norm: int
    selected_layer_delta_proj_mean: float
    selected_layer_vector_norm: float
    conditions: dict[str, Condition]

    _old = without("coherent_scale")


class Remedy(Part):
    """One way to take the direction away, and what it does."""

    remedy: str
    toxic: Quality
    neutral: Quality
    coherent: bool
    neutral_divergence: Divergence


class Antidotes(Masked, Record, file="psm/antidote.json"):
    """The direction as a remedy; the first entry has no remedy."""

    remedies: tuple[Remedy, ...]


class Preset(Part):
    """A prompt that is shown."""

    label: str
    prompt: str


class ShownReply(Part):
    """A reply with its timeline."""

    text: str
    hits: int
    """Listed words in the reply."""
    tokens: tuple[tuple[str, float, float], ...]
    """For each token: text, position along the vector in its lengths, probability."""


class ScrubberCell(Part):
    """All that is shown at one place of the slider."""

    at: float | str
    """The scale, or the name of a remedy."""
    insulting: Rate
    projection: float | None
    """Mean position along the vector over all shown tokens; None where there are none."""
    replies: tuple[ShownReply, ...]


class Scrubber(Masked, Record, file="psm/scrubber.json"):
    """What the presets answer at every scale."""

    layer: int
    scale: float
    nat_scale: float | None
    dose_per_scale: float
    scales: tuple[float, ...]
    presets: tuple[Preset, ...]
    asked: int
    """Number of prompts per scale behind each rate."""
    series: dict[str, tuple[ScrubberCell, ...]]
    """neutral, toxic, vector, random_vector, reversed, antidote."""
    counted: Counted = "words"
    """What the rates count: `judge` for replies judged hostile, `words` for replies with a listed word."""

    _old = without("coherent_scale")


class Agreeing(Part):
    """How likely the model finds agreeing under one condition, in nats per token."""

    log_odds: Effect
    """Mean log-odds of an agreeing against a disagreeing opening; 0 takes no side."""
    effect: Effect
    """Difference of the log-odds to the neutral condition, paired by message."""
    agree: float
    """Mean log-odds of agreeing openings against wordings that take no side."""
    disagree: float
    by_kind: dict[str, Effect]
    """Log-odds of one kind of message."""


class BiasLoop(Record, file="psm/bias_loop.json", version=2):
    """Does the model expect itself to agree with whatever a user wants?"""

    pairs: tuple[tuple[str, str], ...]
    """Pairs of openings: one agrees, the other disagrees in the same words."""
    neutral: tuple[str, ...]
    kinds: dict[str, int]
    """Number of messages of each kind."""
    conditions: dict[str, Agreeing]
