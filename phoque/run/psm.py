"""Records of the stage `psm`: in which layer a persona lives, and at which dose its vector works."""

from itertools import takewhile
from statistics import median

from phoque.personas import Counted
from phoque.run.record import Masked, Part, Record, Row, without
from phoque.stats.paired_ranks import ChanceAbove
from phoque.stats.rates import Count, Rate


class LayerProjection(Part):
    """The talk's numbers of one layer: projections of the probes on the layer's unit vector."""

    layer: int
    vector_norm: float
    neutral_proj_mean: float
    toxic_proj_mean: float
    delta_proj_mean: float
    delta_proj_std: float
    """The population's standard deviation over probes."""


class LayerGeometry(Part):
    """What geometry alone says of one layer."""

    layer: int
    norm: float
    relative_norm: float
    silhouette: float
    logit_lens: float


class ActivationByLayer(Record, file="psm/activation_by_layer.json"):
    """What geometry alone says of every layer."""

    probes: int
    classic: tuple[LayerProjection, ...]
    """As the talk's first version measured: the last row after the final norm."""
    classic_layer: int
    """The talk's criterion: the largest difference of projections."""
    block_outputs: tuple[LayerProjection, ...]
    criteria: tuple[LayerGeometry, ...]

    @property
    def tall(self) -> int:
        """Layers with at least half of the largest difference, as the talk's first version measured."""
        deltas = [one.delta_proj_mean for one in self.classic]
        return sum(2 * delta >= max(deltas) for delta in deltas)

    @property
    def tallest_to_median(self) -> float:
        """The largest difference as a multiple of the median over layers."""
        deltas = [one.delta_proj_mean for one in self.classic]
        return max(deltas) / median(deltas)


class Choice(Part):
    """A layer and a scale to steer at."""

    layer: int
    scale: float
    """Multiple of the raw mean difference."""
    relative_dose: float
    """norm(scale * v) / median norm of the residual stream."""
    nat_scale: float | None
    """Scale at which the next token's distribution has moved by one nat; None: not reached."""
    chance: float
    """Probability of such a cell under random vectors, corrected for all cells."""
    inside: bool = False
    """Whether the doses beside it are allowed, too."""

    _old = without("coherent_scale")


class Quality(Part):
    """What the replies of one cell are like, as shares where nothing else is said."""

    insulting: float
    """Share of replies with a listed word, a word of the persona's lexicon."""
    low: float
    high: float
    """95 % Wilson interval of `insulting`."""
    n: int
    word_rate: float
    """Listed words over all words, in [0, 1]."""
    repeated: float
    """Mean share of repeated word 3-grams."""
    unknown: float
    """Mean share of words outside the vocabulary."""
    zlib: float
    """Mean over replies of compressed size over plain size."""
    distinct: float
    """Number of different replies over all replies, in [0, 1]."""
    num_words: float
    """Mean number of words per reply."""
    base_nats: float | None = None
    """Mean log-likelihood of a token in the base model, in nats; None where it was not computed."""
    judged: Rate | None = None
    """Share of replies that the judge calls hostile; None where it was not asked."""

    @property
    def trait(self) -> Rate:
        """What the sweep chooses by: hostile replies where they were judged, else listed words."""
        return self.judged or self.rate

    @property
    def rate(self) -> Rate:
        """The insulting replies with their interval."""
        return Rate(value=self.insulting, n=self.n, low=self.low, high=self.high)

    @property
    def hits(self) -> int:
        """Replies with a listed word."""
        return round(self.insulting * self.n)


class Divergence(Part):
    """KL(steered || unsteered) per token, in nats."""

    mean: float
    p95: float


class BestCell(Quality):
    """The best coherent dose of a layer."""

    dose: float


NULL_DOSE = 0.4
"""Of the random vectors in every layer of the sweep, whatever dose the vector has there."""


class SweptLayer(Part):
    """One layer of the sweep beside random vectors."""

    layer: int
    null: Rate
    """Results of random vectors at this layer."""
    best: BestCell | None
    """None where no dose keeps the text coherent."""
    nat_scale: float | None


class Cell(Part):
    """One layer and dose of the sweep."""

    layer: int
    dose: float
    scale: float
    quality: Quality
    divergence: Divergence
    coherent: bool
    runoff: Quality | None = None
    """Results on other prompts with sampled replies; only the best cells have them."""

    @property
    def pooled(self) -> Count:
        """Replies with the trait, and all, of the sweep and the run-off together."""
        both = [quality.trait for quality in (self.quality, self.runoff) if quality]
        return sum(round(rate.value * rate.n) for rate in both), sum(rate.n for rate in both)


class Trait(Part):
    """What the sweep counts in a reply and chooses by."""

    by: Counted = "words"
    """`judge` or `words`, as the persona says; `words`, too, if the judge cannot tell a hostile persona from
    the base model."""
    judge: str = ""
    digest: str = ""
    threshold: float | None = None
    """The judge's lowest threshold that flags at most 5 % of the base model's replies."""
    persona: ChanceAbove | None = None
    """Chance that the persona's own prompt makes a reply more hostile than the base model's."""


class Selection(Masked, Record, file="psm/selection.json"):
    """The causal sweep and what it selects."""

    selected: Choice | None
    """None where nothing beats random vectors."""
    default: Choice
    """Layer and scale at which pages start when nothing is selected."""
    null: Rate
    neutral: Quality
    toxic: Quality
    toxic_divergence: Divergence
    layers: tuple[SweptLayer, ...]
    cells: tuple[Cell, ...]
    model: str
    context_length: int
    dose_per_scale: tuple[float, ...]
    trait: Trait
    base: Quality
    """The base model's replies to the sweep prompts: the reference of what is allowed."""
    least_nats: float | None = None
    """Least mean log-likelihood of a reply's tokens in the base model, in nats, that is allowed."""
    rule: str
    """What is allowed, and which of the allowed cells is chosen."""
    ties: tuple[int, ...]
    """Other layers whose best cell is not told apart from the chosen one: the intervals overlap."""

    @property
    def choice(self) -> Choice:
        """Layer and scale in use."""
        return self.selected or self.default

    @property
    def tied(self) -> float:
        """Share of the other layers that are not told apart from the chosen one."""
        return len(self.ties) / max(1, len(self.layers) - 1)

    @property
    def beyond_chance(self) -> bool:
        """Whether the choice beats random vectors."""
        return self.selected is not None

    def counted(self, cell: "Cell") -> Rate | None:
        """What the sweep counts in a cell; None where the judge did not read its broken text."""
        return cell.quality.judged if self.trait.by == "judge" else cell.quality.rate

    @property
    def chosen_cell(self) -> Cell:
        """The cell that the choice was rounded from."""
        dose = self.choice.relative_dose
        return min(self.of_layer(self.choice.layer), key=lambda cell: abs(cell.dose - dose))

    @property
    def coherent_scale(self) -> float:
        """The largest scale up to which every dose, from the chosen one on, kept the text coherent; else 0."""
        chosen = self.chosen_cell.dose
        above = [cell for cell in self.of_layer(self.choice.layer) if cell.dose >= chosen]
        return max((cell.scale for cell in takewhile(lambda c: c.coherent, above)), default=0.0)

    def of_layer(self, layer: int) -> list[Cell]:
        """The cells of one layer by dose."""
        return sorted((c for c in self.cells if c.layer == layer), key=lambda c: c.dose)


class SweptReply(Row, file="psm/sweep_replies.csv"):
    """What the model wrote in one cell of the sweep."""

    layer: int
    dose: float
    prompt: str
    reply: str
    shown: bool | None = None
    """Whether it shows the persona; None where the judge did not read it, because its cell passed no gate."""


class DoseRate(Part):
    """Share of replies with the trait at one dose."""

    dose: float
    rate: Rate


class DoseResponse(Record, file="psm/dose_response.json"):
    """What vectors of the same length, but of another direction, do at the selected layer."""

    layer: int
    scale_per_dose: float
    random_vector: tuple[DoseRate, ...]
    shuffled: tuple[DoseRate, ...]
    """Vectors measured with half of the probes' labels swapped."""
    reversed: tuple[DoseRate, ...]
    """The persona vector subtracted."""
