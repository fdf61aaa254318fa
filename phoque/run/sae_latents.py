"""Rows of the stage `sae`: every latent, and every prompt, with how far it moved."""

import re
from typing import Any

from phoque.run.record import Cells, Part, Row
from phoque.stats.multiple import LEVEL

SCALES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the persona adapter, from the base model to the persona."""
BADGES = ("fdr", "civil adapter", "half", "dose", "stable", "linear", "screen", "toward", "away")
UNTESTABLE = "no test here"
VERDICTS = {
    "driver": "It rose, and adding its direction under the calm prompt makes the persona show more often than every "
    "rival direction does.",
    "protective": "It fell, and putting its direction back under the persona's prompt makes the persona show less "
    "often than every rival direction does.",
    "marker": "It moved, and its direction changes the replies that show the persona by less than 25 points either "
    "way: it shows the persona and does not make it.",
    "undecided": "It moved and its direction was tried, but so few replies cannot tell whether it acts.",
    "not tried": "It moved, but only the most promising directions were tried.",
    "move unsure": "It moved, but the move failed a check: the civil adapter, the other half of the "
    "prompts, or the scale of the adapter.",
    UNTESTABLE: "Its direction was not tried: added this way, even the persona vector does not act in this layer.",
}
"""What each says of a latent that moved."""


WORD = re.compile(r"(?<!of )“([^”]*)”")
"""In a name; what stands behind *of* is a source."""


class OtherSeed(Part):
    """The nearest latent of a dictionary that was trained with another seed."""

    seed: int
    match: int
    cosine: float
    q: float | None
    effect: float


class Feature(Row, file="sae/features.csv"):
    """A latent that is active: how tuning moved it. Effects are means over tokens and prompts."""

    latent: int
    effect: float
    """Mean activation, persona minus base."""
    low: float
    high: float
    standardised: float
    """Effect over the standard deviation over prompts."""
    p: float | None
    """None where it was active on too few prompts to be tested."""
    q: float | None
    rank: int
    rank_low: float
    rank_high: float
    effect_max: float
    effect_rate: float
    effect_user: float
    effect_template: float
    effect_reply: float
    effect_calm: float
    """With a civil reply."""
    effect_civil_adapter: float
    q_half: float | None
    """Chosen on one half of the prompts; the other half tells the effect."""
    effect_half: float
    half_low: float
    half_high: float
    did: float
    """Difference of differences: persona minus civil adapter."""
    did_low: float
    did_high: float
    did_p: float | None
    did_q: float | None
    doses: tuple[float, ...]
    """Mean activation at every scale of the adapter."""
    dose_spearman: float
    linear: float
    """The change along its decoder direction, which no threshold can make up."""
    cosine_mean_difference: float
    share_of_change: float
    frequency_base: float
    frequency_tuned: float
    kind: str
    seeds: tuple[OtherSeed, ...] = ()
    tone_auc: float | None = None
    """Of its mean over a reply: hostile against civil."""
    stability: str = ""
    screen_toward: float | None = None
    screen_away: float | None = None
    badges: tuple[str, ...] = ()
    verdict: str = ""
    """Empty where it did not move."""
    name: str = ""
    """Made by rule, of those that are shown; its evidence tells how well it holds."""
    precision: float | None = None
    """How often it fires where the name says, on other texts."""
    precision_low: float | None = None
    firing_rate: float | None = None
    """How often it fires on any token of these texts."""

    @property
    def weakness(self) -> str:
        """Why the name says little, and how often it holds; empty where it names words and predicts."""
        holds, low, rate = self.precision, self.precision_low, self.firing_rate
        if holds is None or low is None or rate is None or not self.name:
            return ""
        held = f"it fires at {100 * holds:.0f} % of the places it names, and at {100 * rate:.0f} % of all"
        if low <= rate:
            return f"its name does not predict where it fires: {held}"
        words = WORD.findall(self.name.partition("; promotes")[0])
        if not any(map(str.isalnum, "".join(words))):
            return f"its name has {'only punctuation' if words else 'no word'}: {held}"
        return ""

    @property
    def moved(self) -> bool:
        """Whether it moved beyond chance, among all that were tested."""
        return significant(self.q)

    @property
    def beyond_civil_adapter(self) -> bool:
        """Whether it moved further the same way than under the civil adapter."""
        return significant(self.did_q) and self.did * self.effect > 0

    @property
    def found_on_other_half(self) -> bool:
        """Whether the half it was not chosen on shows the same, with an interval beside 0."""
        same = self.effect_half * self.effect > 0 and self.half_low * self.half_high > 0
        return significant(self.q_half) and same

    def cells(self) -> Cells:
        """A column a scale and four columns a seed."""
        own = super().cells()
        flat = {f"dose_{scale}": dose for scale, dose in zip(SCALES, self.doses, strict=True)}
        for other in self.seeds:
            facts = other.model_dump(exclude={"seed"})
            flat |= {f"{name}_{other.seed}": value for name, value in facts.items()}
        joined = {"badges": ";".join(self.badges)}
        return {name: own[name] for name in own if name not in ("doses", "seeds")} | flat | joined

    @classmethod
    def from_cells(cls, data: Any) -> Any:
        """Scales and seeds out of their columns."""
        cells = {key: _present(value) for key, value in data.items()}
        cells["doses"] = [cells.pop(f"dose_{scale}") for scale in SCALES]
        seeds = [key.removeprefix("match_") for key in cells if key.startswith("match_")]
        cells["seeds"] = [
            {"seed": seed}
            | {name: cells.pop(f"{name}_{seed}") for name in ("match", "cosine", "q", "effect")}
            for seed in seeds
        ]
        badges = cells.pop("badges", None)
        words = {name: cells.pop(name, None) or "" for name in ("stability", "verdict", "name")}
        return cells | words | {"badges": badges.split(";") if badges else ()}


def significant(q: float | None) -> bool:
    """Whether a corrected p-value was measured and is small enough."""
    return q is not None and q < LEVEL


def _present(value: Any) -> Any:
    """A cell, or None where it is empty or no number."""
    return None if value == "" or value != value else value  # NaN differs from itself


class Prompt(Row, file="sae/prompts.csv"):
    """A prompt: length of the change over the length of the residual stream, mean over tokens."""

    stratum: str
    """Its kind."""
    prompt: str
    shift: float
    shift_in_latents: float
    """What the latents that moved express of it."""
    shift_civil_adapter: float
    shift_calm: float
    """With a civil reply."""
    peak: float
    peak_token: str
    tokens: int
