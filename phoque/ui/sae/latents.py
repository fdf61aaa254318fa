"""Risen and fallen latents with their verdicts; the script sorts, searches and filters."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from phoque.figures.figure import Figure
from phoque.figures.moved_latents import HEAD
from phoque.run.folder import Reader, StageFolder
from phoque.run.sae_evidence import REMAINDER, Evidence
from phoque.run.sae_latents import BADGES, UNTESTABLE, VERDICTS, Feature
from phoque.ui.parts import REVEAL, choices, embedded, group

SIDES = {"risen": "▲ Risen", "fallen": "▼ Fallen"}
SHOWN_VERDICTS = {
    "driver": "★ driver",
    "protective": "✚ protective",
    "marker": "● marker",
    "undecided": "○ undecided",
    "not tried": "○ not tried",
    "move unsure": "○ move unsure",
    UNTESTABLE: "– no test here",
}
BADGE_HINTS = {
    "fdr": "moved beyond chance: sign-flip permutation over prompts, false discovery rate 5 %",
    "civil adapter": "moved more than in the adapter that was trained on civil replies",
    "half": "chosen on one half of the prompts, found again on the other",
    "dose": "only rises, or only falls, as the adapter is scaled from 0 to 1",
    "stable": "found, and moved the same way, with the other seeds of the dictionary",
    "linear": "the plain projection on its direction moved the same way",
    "screen": "its direction favours the persona's replies more than random directions do",
    "toward": "added, it makes more replies show the persona than its rivals do, and the text stays coherent",
    "away": "subtracted, it leaves fewer such replies than its rivals do, and the text stays coherent",
}
REMAINDER_BUTTON = "R: the part of the change that no latent expresses"
HINT = "Point at a badge to see what it stands for. Press a latent for its evidence."
DIGITS = 5
SHOWN = ("latent", "verdict", "effect", "q", "did", "half", "frequency", "tone", "name")
"""Columns of the tables."""
NUMBERS = {
    "effect", "low", "high", "q", "did", "effect_half", "tone_auc", "precision", "firing_rate",
}  # fmt: skip
WORDS = {"verdict", "badges", "stability", "name", "kind"}


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of each, by its number."""

    evidence: Mapping[str, Evidence]
    features: Mapping[str, Feature]
    """The largest effects first; none of the remainder."""


def known_of(reader: Reader) -> Known:
    """What a run knows of the latents that are shown.

    Raises:
        PhoqueError: a file is missing or damaged.
    """
    folder = reader.folder(Evidence.STAGE)
    return _known(folder, folder.stamp)


@lru_cache(maxsize=2)
def _known(folder: StageFolder, _stamp: object) -> Known:
    evidence = {one.latent: one for one in folder.rows(Evidence)}
    features = {str(one.latent): one for one in folder.rows(Feature)}
    return Known(
        evidence=evidence,
        features={name: one for name, one in features.items() if name in evidence},
    )


def latent_browser(reader: Reader, _figure: Figure) -> str:
    """Filters and two tables."""
    found = {one.verdict for one in known_of(reader).features.values()}
    shown = {name: text for name, text in SHOWN_VERDICTS.items() if name in found}
    data = {
        "rows": [_compact(one) for one in known_of(reader).features.values()],
        "head": {name: HEAD[name] for name in SHOWN},
        "verdicts": shown,
        "hints": VERDICTS,
        "badges": BADGE_HINTS,
    }
    verdicts = {"": "all", **shown}
    badges = {"": "any badge", **dict(zip(BADGES, BADGES, strict=True))}
    tables = "".join(
        f'<div><h3>{escape(title)}</h3><div class="ph-scroll" tabindex="0" role="region" '
        f'aria-label="{escape(title)}"><table class="ph-table ph-latents" data-side="{side}"></table>'
        "</div></div>"
        for side, title in SIDES.items()
    )
    return (
        f'<p class="ph-hint">{escape(HINT)}</p>'
        f'<div class="ph-latent-browser" data-draw="latents">{embedded(data)}'
        f'<div class="ph-gap-bar">{group("Verdict", choices("verdict", verdicts, VERDICTS))}'
        f"{group('Badge', choices('badge', badges, BADGE_HINTS))}"
        f'<label class="ph-gap-search">Search <input type="search"></label>{REVEAL}</div>'
        f'<p class="ph-gap-count" role="status"></p><div class="ph-latent-tables">{tables}</div>'
        f'<button type="button" class="ph-latent-open" data-latent="{REMAINDER}">'
        f"{escape(REMAINDER_BUTTON)}</button></div>"
    )


def _compact(one: Feature) -> dict[str, object]:
    return {
        "latent": str(one.latent),
        "frequency": [_short(one.frequency_base), _short(one.frequency_tuned)],
        **one.model_dump(include=WORDS),
        **{name: _short(value) for name, value in one.model_dump(include=NUMBERS).items()},
    }


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
