"""Records of the stage `sae`: whether its dictionary is faithful, and what the tuning moved."""

from dataclasses import dataclass

from pydantic import field_validator

from phoque.run.record import Masked, Part, Record
from phoque.run.sae_evidence import Cause
from phoque.run.sae_latents import VERDICTS, Feature
from phoque.run.sae_reading import FallenWords

FIRINGS_PER_LATENT = 500
"""Mean activations of a latent in training, tokens * k / d_sae, below which it has seen too little."""


@dataclass(frozen=True, kw_only=True)
class SaePreset:
    """How much is read, how large the dictionary is, how much is asked of it."""

    name: str
    tokens: int
    """Number of training tokens; a tenth more is held out, by document."""
    d_sae: int
    k: int
    """Active latents per token."""
    batch_size: int
    epochs: int
    context: int = 128
    """Longest text, in tokens."""
    buffer_tokens: int = 500_000
    """Activations in memory, out of which batches are drawn."""
    seeds: tuple[int, ...] = (42, 43, 44)
    reply_tokens: int = 32
    """Length, in tokens, of the replies that all models read."""
    screened: int = 64
    """Highest number of latents whose direction is screened without generating."""
    generated: int = 5
    """Number of latents on each side whose direction is tried by generating."""
    steering_prompts: int = 16

    @property
    def fewest_tokens(self) -> int:
        """Training tokens that the dictionary needs."""
        return -(-FIRINGS_PER_LATENT * self.d_sae // self.k)


class LayerChoice(Part):
    """The layer that is read."""

    layer: int
    how: str
    """How the layer was chosen, in words."""


class ActivationFacts(Record, file="sae/activations.json"):
    """What was read of the base model."""

    layer: int
    width: int
    limit: float
    """Length of a state above which it counts as an attention sink and is left out."""
    tokens: int
    train_tokens: int
    texts: int
    train_texts: int
    median_norm: float
    """Median length of the residual stream at positions that count."""
    dropped: dict[str, int]
    roles: dict[str, int]
    sources: dict[str, int]


class Gate(Part):
    """A condition on the dictionary; where one fails there is no finding."""

    gate: str
    value: float
    needed: str
    passed: bool


class Recovered(Part):
    """How much of the loss between ablation and the real activations a reconstruction closes."""

    value: float
    low: float
    high: float
    """Upper end of the 95 % bootstrap interval over texts."""
    texts: int
    tokens: int


class Dead(Part):
    """Latents that are active on no held-out token."""

    share: float
    latents: int
    of: int
    tokens: int


class Faithful(Part):
    """The dictionary on one model, beside ways to rebuild that are simpler."""

    explained_variance: dict[str, float]
    """Share of variance that is rebuilt, by method."""
    l0: float
    dead: Dead
    loss_recovered: dict[str, dict[str, Recovered]]
    """Share of the loss that is recovered, by ablation, then by method."""


class Fit(Part):
    """Explained variance of texts of one source."""

    value: float
    tokens: int


class HeldOut(Part):
    """Documents that were not trained on."""

    texts: int
    tokens: int


class Fidelity(Record, file="sae/fidelity.json"):
    """Measured on held-out documents, the half of them that did not set the threshold."""

    k: int
    models: dict[str, Faithful]
    """The base model and the persona."""
    explained_change: float
    explained_variance_by_l0: dict[int, float]
    explained_variance_by_source: dict[str, Fit]
    held_out: HeldOut
    activations: ActivationFacts


class Floor(Part):
    """The base model against itself, read in other batches: what rounding alone does."""

    prompts: int
    largest_effect: float
    discoveries: int
    tested: int


class Shifts(Record, file="sae/shifts.json"):
    """What the dictionary can see of the change from base to persona."""

    prompts: dict[str, int]
    """Number of prompts, by kind."""
    tokens: int
    latents_active: int
    latents_tested: int
    risen: int
    fallen: int
    beyond_civil_adapter: int
    explained_change: float
    """1 - |what is missed|² / |change|²."""
    explained_change_civil_adapter: float
    norm_ratio: float
    relative_change: float
    """Length of the change over the length of the residual stream."""
    mean_change_norm: float
    remainder_share: float
    """Length of R, which no latent expresses, over the length of the mean change."""
    floor: Floor


class Mean(Part):
    """A mean over prompts with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


class Stratum(Part):
    """One kind of prompt: relative length of the change."""

    stratum: str
    n: int
    shift_in_latents: Mean
    """Part of the change that the latents that moved express, relative to the residual stream's length."""
    shift: Mean
    shift_civil_adapter: Mean
    shift_calm: Mean
    """The change on the same prompts with a civil reply."""


class Pair(Part):
    """Two kinds of prompt, compared by what the latents that moved express."""

    higher: str
    lower: str
    difference: float
    p: float
    """Two-sided, kinds shuffled over prompts."""
    p_holm: float
    """Adjusted for all pairs."""


class Strata(Record, file="sae/strata.json"):
    """Whether a kind of prompt moves more than the others."""

    strata: tuple[Stratum, ...]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Source:
    """Where training text comes from, and how much of it is wanted."""

    name: str
    share: float
    licence: str
    description: str


class SaeReport(Masked, Record, file="sae/sae_comparison_report.json", version=3):
    """All numbers of the stage but those of single latents and contexts."""

    model: str
    persona: str
    layer: int
    layer_choice: LayerChoice
    preset: SaePreset
    seconds: dict[str, float]
    """Seconds by step."""
    passed: bool
    """Whether every gate held."""
    gates: tuple[Gate, ...]
    fidelity: Fidelity
    shifts: Shifts
    verdicts: dict[str, int]
    """Number of latents by verdict."""
    verdict_meanings: dict[str, str]
    """What each verdict means, in a sentence."""
    risen: tuple[Feature, ...]
    """The largest effects, those that moved first."""
    fallen: tuple[Feature, ...]
    fallen_words: FallenWords
    strata: Strata
    cause: Cause
    sources: tuple[Source, ...]

    @field_validator("verdicts")
    @classmethod
    def _with_none(cls, found: dict[str, int]) -> dict[str, int]:
        """A verdict that no latent has counts 0."""
        return dict.fromkeys(VERDICTS, 0) | found

    @property
    def failed(self) -> list[str]:
        """Names of the gates that did not hold."""
        return [gate.gate for gate in self.gates if not gate.passed]

    @property
    def num_prompts(self) -> int:
        """Prompts behind every shift."""
        return sum(self.shifts.prompts.values())
