"""Records of the stage `sae` about single latents: what is seen of each, and what it causes."""

from phoque.personas import Counted
from phoque.run.psm import Quality
from phoque.run.record import Masked, Part, Record, Row
from phoque.run.sae_reading import Reading
from phoque.stats.rates import Rate

REMAINDER = "R"
"""What no latent expresses of the change, as if it were a latent."""
MEAN_DIFFERENCE = "mean difference"
"""Of all states, tuned minus base model."""
PERSONA_VECTOR = "persona vector"
"""The positive control: PSM's vector, which is known to act where it was selected."""
RANDOM = "random directions"
RIVALS = (RANDOM, "random latents")
"""What a latent's direction has to beat."""
WAYS = ("toward", "away")


class Steered(Part):
    """What the persona model writes when a direction is added."""

    way: str
    """`toward` the persona under the neutral prompt, `away` under the hostile one."""
    name: str
    """Number of the latent, or name of a rival."""
    dose: float
    """Length of the added direction, as a share of the median length of the residual stream."""
    directions: int
    """Of a group of rivals, which share the prompts out."""
    insulting: float
    """Share of replies that show the persona."""
    low: float
    high: float
    n: int
    divergence_p95: float
    """Nats by which expectations move, 95th percentile of tokens."""
    coherent: bool
    quality: Quality
    example: str

    @property
    def rate(self) -> Rate:
        """Replies that show the persona, with their interval."""
        return Rate(value=self.insulting, n=self.n, low=self.low, high=self.high)

    @property
    def is_latent(self) -> bool:
        """Whether it is no rival."""
        return self.name.isdigit()

    def beyond(self, rival: "Steered") -> bool:
        """Whether its interval lies on the better side of a rival's."""
        return self.low > rival.high if self.way == "toward" else self.high < rival.low


class Screened(Part):
    """Nats a token by which a direction favours the hostile over the calm reply, either way."""

    toward: float
    away: float


class Null(Part):
    """The range of random directions."""

    low: float
    high: float
    n: int


class Screen(Part):
    """Directions tried without generating."""

    prompts: int
    random: Null
    latents: dict[str, Screened]


class GeneratedReplies(Part):
    """Directions tried by generating."""

    plain: dict[str, Quality]
    """Replies without a direction, by way."""
    divergence_limit: float
    cells: tuple[Steered, ...]
    counted: Counted = "words"
    """What the rates count: `judge` for replies judged hostile, `words` for replies with a listed word."""


class Control(Part):
    """The positive control, one way: where it does not act, no latent can be shown to."""

    way: str
    direction: str
    acts: bool
    """At some dose, coherently, its interval lies beyond that of random directions."""
    best: Steered | None
    """Its strongest coherent cell; one that acts, if any does."""
    random: Steered | None
    """Random directions at the same dose."""


def controls_of(told: GeneratedReplies) -> tuple[Control, ...]:
    """Whether the persona vector acts, either way."""
    return tuple(_control(told, way) for way in WAYS)


def _control(told: GeneratedReplies, way: str) -> Control:
    cells = [cell for cell in told.cells if cell.way == way]
    random = {cell.dose: cell for cell in cells if cell.name == RANDOM}
    own = [c for c in cells if c.name == PERSONA_VECTOR and c.coherent and c.dose in random]
    acting = [cell for cell in own if cell.beyond(random[cell.dose])]
    sign = 1 if way == "toward" else -1
    best = max(acting or own, key=lambda cell: sign * cell.insulting, default=None)
    beside = random[best.dose] if best else None
    return Control(way=way, direction=PERSONA_VECTOR, acts=bool(acting), best=best, random=beside)


class Cause(Record, file="sae/cause.json"):
    """What a latent's direction does when it is added, beside its rivals."""

    median_norm: float
    screen_dose: float
    screen: Screen
    generated: GeneratedReplies
    controls: tuple[Control, ...]
    """Either way; the experiment stops where none acts."""
    frequencies: dict[str, dict[str, float]]
    doses: tuple[float, ...]

    def acts(self, way: str) -> bool:
        """Whether this layer can show a cause."""
        return any(control.acts for control in self.controls if control.way == way)


class Context(Part):
    """Tokens around a peak."""

    source: str
    tokens: tuple[str, ...]
    roles: tuple[str, ...]
    activations: tuple[float, ...]


class Strip(Part):
    """The same tokens in three models."""

    stratum: str
    prompt: str
    tokens: tuple[str, ...]
    roles: tuple[str, ...]
    base: tuple[float, ...]
    civil_adapter: tuple[float, ...]
    persona: tuple[float, ...]


class LensToken(Part):
    """A token and how far a direction raises its logit."""

    token: str
    logit: float


class Lens(Part):
    """Tokens that a direction raises and lowers most, read by final norm and output head.

    What the directions of all latents do on average is taken off.
    """

    raised: tuple[LensToken, ...]
    lowered: tuple[LensToken, ...]


class Histogram(Part):
    """Counts of activations above zero."""

    edges: tuple[float, ...]
    tokens: int
    """Number of tokens that were looked at."""
    base: tuple[int, ...]
    civil_adapter: tuple[int, ...]
    persona: tuple[int, ...]


class Dose(Part):
    """Mean activation by scale of the adapter."""

    scales: tuple[float, ...]
    means: tuple[float, ...]


class Near(Part):
    """Another latent of the dictionary with a similar direction."""

    latent: str
    cosine: float


class Evidence(Masked, Row, file="sae/contexts.jsonl.gz"):
    """What is seen of a latent; of the remainder R only its lens and what it causes."""

    latent: str
    side: str
    verdict: str
    top: tuple[Context, ...] = ()
    quantiles: tuple[tuple[Context, ...], ...] = ()
    """Some from each fifth of what is below the strongest."""
    strips: tuple[Strip, ...] = ()
    lens: Lens
    reading: Reading | None = None
    """None of the remainder."""
    histogram: Histogram | None = None
    dose: Dose | None = None
    nearest: tuple[Near, ...] = ()
    screen: Screened | None = None
    steering: tuple[Steered, ...]
