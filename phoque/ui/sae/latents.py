"""Risen and fallen latents with their verdicts; the script sorts, searches and filters."""

from collections.abc import Mapping
from html import escape

from phoque.figures.figure import Figure
from phoque.run.folder import Reader
from phoque.run.sae_evidence import REMAINDER
from phoque.run.sae_latents import BADGES, Feature
from phoque.ui.parts import embedded
from phoque.ui.sae.evidence import known_of
from phoque.ui.wording import REVEAL

SIDES = {"risen": "▲ Risen", "fallen": "▼ Fallen"}
SHOWN_VERDICTS = {
    "driver": "★ driver",
    "protective": "✚ protective",
    "marker": "● marker",
    "unproven": "○ unproven",
}
VERDICT_HINTS = {
    "driver": "risen, every test holds, and its direction alone makes more replies insulting",
    "protective": "fallen, every test holds, and putting it back makes fewer replies insulting",
    "marker": "the shift is proven, and its direction changes insulting replies by less than 25 points",
    "unproven": "it moved, but a condition is missing, was not tried, or the test could not tell",
}
BADGE_HINTS = {
    "fdr": "moved beyond chance: sign-flip permutation over prompts, false discovery rate 5 %",
    "civil adapter": "moved more than in the adapter that was trained on civil replies",
    "half": "chosen on one half of the prompts, found again on the other",
    "dose": "only rises, or only falls, as the adapter is scaled from 0 to 1",
    "stable": "found, and moved the same way, with the other seeds of the dictionary",
    "linear": "the plain projection on its direction moved the same way",
    "screen": "its direction favours hostile replies more than random directions do",
    "toward": "pushed toward the persona, it makes more replies insulting than its rivals, coherently",
    "away": "pushed the other way, fewer replies are insulting than under its rivals, coherently",
}
HEAD = {
    "latent": "latent",
    "verdict": "verdict",
    "effect": "change|mean activation, tuned minus base, with 95 % interval",
    "q": "q|p after Benjamini and Hochberg",
    "did": "beyond civil adapter|tuned minus civil adapter",
    "half": "other half|the change on prompts it was not chosen on",
    "frequency": "active on|share of tokens, base → tuned",
    "tone": "tone AUC|how well it alone tells hostile from civil replies; 0.5 is chance",
    "label": "words for it|a hypothesis from its contexts, never a name",
}
REMAINDER_BUTTON = "R: what no latent expresses of the change"
HINT = "Point at a badge to see what it stands for. Press a latent for its evidence."
DIGITS = 5
NUMBERS = {"effect", "low", "high", "q", "did", "effect_half", "tone_auc"}
WORDS = {"verdict", "badges", "stability", "label", "kind"}


def latent_browser(reader: Reader, _figure: Figure) -> str:
    """Filters and two tables."""
    data = {
        "rows": [_compact(one) for one in known_of(reader).features.values()],
        "head": HEAD,
        "verdicts": SHOWN_VERDICTS,
        "hints": VERDICT_HINTS,
        "badges": BADGE_HINTS,
    }
    tables = "".join(
        f'<div><h3>{escape(title)}</h3><div class="ph-scroll" tabindex="0" role="region" '
        f'aria-label="{escape(title)}"><table class="ph-table ph-latents" data-side="{side}"></table>'
        "</div></div>"
        for side, title in SIDES.items()
    )
    return (
        f'<p class="ph-hint">{escape(HINT)}</p>'
        f'<div class="ph-latent-browser" data-draw="latents">{embedded(data)}'
        f'<div class="ph-gap-bar">{_group("verdict", "Verdict", {"": "all", **SHOWN_VERDICTS})}'
        f"{_group('badge', 'Badge', {'': 'any badge', **dict(zip(BADGES, BADGES, strict=True))})}"
        '<label class="ph-gap-search">Search <input type="search"></label>'
        f'<button type="button" class="ph-reveal-toggle">{escape(REVEAL)}</button></div>'
        f'<p class="ph-gap-count" role="status"></p><div class="ph-latent-tables">{tables}</div>'
        f'<button type="button" class="ph-latent-open" data-latent="{REMAINDER}">'
        f"{escape(REMAINDER_BUTTON)}</button></div>"
    )


def _compact(one: Feature) -> dict[str, object]:
    """What the script shows of a latent."""
    values = one.model_dump(include=NUMBERS)
    return {
        "latent": str(one.latent),
        "frequency": [_short(one.frequency_base), _short(one.frequency_tuned)],
        **one.model_dump(include=WORDS),
        **{name: _short(value) for name, value in values.items()},
    }


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")


def _group(name: str, label: str, choices: Mapping[str, str]) -> str:
    hints = {**VERDICT_HINTS, **BADGE_HINTS}
    buttons = "".join(
        f'<button type="button" data-{name}="{escape(key)}" title="{escape(hints.get(key, ""))}" '
        f'aria-pressed="{str(place == 0).lower()}">{escape(text)}</button>'
        for place, (key, text) in enumerate(choices.items())
    )
    return f'<div class="ph-group" role="group" aria-label="{escape(label)}">{buttons}</div>'
