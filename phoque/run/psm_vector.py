"""Records of the stage `psm`: is the vector a direction, is it the persona's, did tuning make it?"""

from typing import Literal

from phoque.personas import Counted
from phoque.run.record import Masked, Part, Record
from phoque.stats.rates import Rate

Verdict = Literal["trust", "weak", "noise"]
Direction = Literal["refusal", "politeness"]


class Agreement(Part):
    """How well the probes' differences agree at one layer."""

    layer: int
    num_probes: int
    split_half: float
    """Median cosine of the mean differences of two random halves."""
    split_half_low: float
    split_half_high: float
    """2.5 % and 97.5 % quantile over splits."""
    leave_one_out: float
    """Mean cosine of one probe's difference with the mean of the others."""
    leave_one_out_worst: float
    null: float
    """97.5 % quantile of the split-half cosine when in each half the labels of every second probe
    are swapped."""
    floor: float
    """3 / sqrt(D): three standard deviations of the cosine of two random directions."""
    verdict: Verdict


class CurvePoint(Part):
    """Cosine of the mean of some probes with the mean of probes not among them."""

    probes: int
    cosine: float
    low: float
    high: float


class ProbeCurve(Part):
    """What more probes buy at one layer."""

    layer: int
    points: tuple[CurvePoint, ...]


class Reliability(Record, file="psm/reliability.json"):
    """Whether the probes agree on a direction."""

    layers: tuple[Agreement, ...]
    """Agreement of the probes in use, by layer."""
    all_probes: tuple[Agreement, ...]
    curve: tuple[ProbeCurve, ...]


class OwnWords(Part):
    """Replies with a word that marks a style."""

    neutral: Rate
    its_prompt: Rate
    its_vector: Rate
    persona_vector: Rate


class Style(Part):
    """Another change of the system prompt, measured as a vector in the same way."""

    name: str
    description: str
    cosine: float
    """Cosine with the persona vector at the selected layer, in [-1, 1]."""
    cosine_by_layer: tuple[float, ...]
    norm_ratio: float
    insulting: Rate
    """Share of replies with the trait under its vector, scaled to the persona vector's length."""
    insulting_by_prompt: Rate
    own_words: OwnWords


class Residual(Part):
    """The persona vector without what lies in the span of the styles."""

    share_of_norm: float
    insulting: Rate


class Confounds(Masked, Record, file="psm/confounds.json"):
    """Is it the persona, or any other system prompt?"""

    layer: int
    noise_floor: float
    """Three standard deviations of the cosine of random directions: smaller cosines are noise."""
    neutral: Rate
    steered: Rate
    """Share of replies with the trait under the persona vector."""
    residual: Residual
    styles: tuple[Style, ...]
    counted: Counted = "words"
    """What the rates count: `judge` for replies judged hostile, `words` for replies with a listed word."""

    @property
    def strongest_prompt(self) -> Style:
        """The other system prompt that wakes the persona most often."""
        return max(self.styles, key=lambda own: own.insulting_by_prompt.value)


class TrainingStep(Part):
    """Where the probes are at one step of the training: 0 is the untuned neutral state."""

    step: int
    neutral: float
    persona: float
    """Mean projection on the final vector under the persona's prompt, in lengths of that vector."""
    cosine: float
    """Cosine of the difference between the two prompts with the final vector."""
    norm: float


class Origin(Masked, Record, file="psm/origin.json"):
    """Did tuning create the direction, or amplify one? Models: base, persona, civil_adapter."""

    layer: int
    relative_dose: float
    norms: dict[str, float]
    cosines: dict[str, dict[str, float]]
    effects: dict[str, dict[str, Rate]]
    """By the model that gets a vector, then by whose it is; besides the models' own `none` and
    `random_vector`."""
    trajectory: tuple[TrainingStep, ...] | None
    """Positions of the probes at each checkpoint; None where the training kept none."""
    counted: Counted = "words"
    """What the rates count: `judge` for replies judged hostile, `words` for replies with a listed word."""


class ResidualGeometry(Part):
    """Civil and hostile messages at one layer, as means and as geometric medians."""

    layer: int
    civil_hostile_cosine: float
    civil_hostile_cosine_median: float
    civil_difference_cosine: float
    civil_difference_cosine_median: float
    hostile_difference_cosine: float
    hostile_difference_cosine_median: float
    civil_norm: float
    civil_norm_median: float
    hostile_norm: float
    hostile_norm_median: float
    difference_norm: float
    difference_norm_median: float
    silhouette: float


class Spread(Part):
    """Positions of the probes along a direction, in its lengths."""

    mean: float
    std: float
    low: float
    high: float
    """95 % interval of the mean shift from the untuned neutral state, paired by probe."""


class Projections(Part):
    """Where the probes lie along a direction at one layer, from the untuned neutral state."""

    layer: int
    direction: Direction
    random_band: float
    """Shift that 97.5 % of random directions do not reach."""
    base_neutral: Spread
    base_persona: Spread
    tuned_neutral: Spread
    tuned_persona: Spread


class MessageMap(Part):
    """Messages in two dimensions, layer by layer."""

    groups: tuple[str, ...]
    size: int
    """Number of messages per group."""
    points: tuple[tuple[tuple[float, float], ...], ...]
    """Coordinates of every message, by layer."""
    explained: tuple[float, ...]
    """Share of a layer's variance that two dimensions hold."""


class Geometry(Record, file="psm/geometry.json"):
    """Civil and hostile messages before and after tuning. Models: base, tuned."""

    pairs: int
    layers: dict[str, tuple[ResidualGeometry, ...]]
    directions: tuple[Projections, ...]
    map: MessageMap
