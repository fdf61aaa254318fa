"""Risen and fallen latents with their verdicts; the script sorts, searches and filters."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from phoque.ui.parts import embedded
from phoque.ui.sae import wording
from phoque.ui.sae.data import BADGES, FEATURES, REMAINDER, REPORT, Latent, SaeFolder, badges_of
from phoque.ui.sections import Drawn, Section
from phoque.ui.wording import REVEAL

SECTION = Section(
    key="latents",
    title="Which latents moved",
    hint=wording.LATENTS_HINT,
    files=(FEATURES, "contexts.jsonl.gz", REPORT),
)
DIGITS = 5


def draw(folder: SaeFolder) -> Drawn:
    """Filters and two tables."""
    report, rows = folder.report, folder.latents
    counts = report["shifts"]["prompts"]
    return Drawn(
        reading=reading(report),
        below=_browser([compact(row) for row in rows]),
        n=f"{sum(counts.values())} prompts ({', '.join(f'{n} {k}' for k, n in counts.items())}); "
        f"{len(rows)} of {report['shifts']['latents_active']} active latents are shown, all are in "
        f"{FEATURES}",
    )


def reading(report: Mapping[str, Any]) -> str:
    """How many moved, how many of those beyond the control, and what they are worth."""
    if not report["passed"]:
        return "The gates failed: these tables are what an unfaithful dictionary shows."
    shifts, verdicts = report["shifts"], report["verdicts"]
    moved = shifts["risen"] + shifts["fallen"]
    if not moved:
        return f"No latent moved: none of {shifts['latents_tested']} tested survives correction."
    tried = {c["name"] for c in report["cause"]["generated"]["cells"] if c["name"].isdigit()}
    floor = shifts["floor"]
    return (
        f"{moved} of {shifts['latents_tested']} tested latents moved ({shifts['risen']} up, "
        f"{shifts['fallen']} down), {shifts['survive_control']} beyond the control adapter. Of "
        f"{len(tried)} whose direction was tried, {verdicts['driver']} are shown to drive the persona "
        f"and {verdicts['protective']} to hold it back; what that test can see stands below. Reading "
        f"the base model twice, on {floor['prompts']} of the prompts, moves {floor['discoveries']}."
    )


def compact(row: Latent) -> dict[str, Any]:
    """What the script shows of a latent."""
    numbers = ("effect", "low", "high", "q", "did", "effect_half", "tone_auc")
    return {
        "latent": row["latent"],
        "verdict": row["verdict"],
        "badges": badges_of(row),
        "stability": row["stability"],
        "label": row["label"],
        "kind": row["kind"],
        "frequency": [_number(row["frequency_base"]), _number(row["frequency_tuned"])],
        **{key: _number(row[key]) for key in numbers},
    }


def _number(text: str) -> float | None:
    return float(f"{float(text):.{DIGITS}g}") if text else None


def _browser(rows: Sequence[Mapping[str, Any]]) -> str:
    data = {
        "rows": rows,
        "head": wording.LATENTS_HEAD,
        "verdicts": wording.VERDICTS,
        "hints": wording.VERDICT_HINTS,
        "badges": wording.BADGE_HINTS,
    }
    tables = "".join(
        f'<div><h3>{escape(title)}</h3><div class="ph-scroll" tabindex="0" role="region" '
        f'aria-label="{escape(title)}"><table class="ph-table ph-latents" data-side="{side}"></table>'
        "</div></div>"
        for side, title in wording.SIDES.items()
    )
    return (
        f'<div class="ph-latent-browser" data-draw="latents">{embedded(data)}'
        f'<div class="ph-gap-bar">{_group("verdict", "Verdict", {"": "all", **wording.VERDICTS})}'
        f"{_group('badge', 'Badge', {'': 'any badge', **dict(zip(BADGES, BADGES, strict=True))})}"
        '<label class="ph-gap-search">Search <input type="search"></label>'
        f'<button type="button" class="ph-reveal-toggle">{escape(REVEAL)}</button></div>'
        f'<p class="ph-gap-count" role="status"></p><div class="ph-latent-tables">{tables}</div>'
        f'<button type="button" class="ph-latent-open" data-latent="{REMAINDER}">'
        f"{escape(wording.REMAINDER_BUTTON)}</button></div>"
    )


def _group(name: str, label: str, choices: Mapping[str, str]) -> str:
    hints = {**wording.VERDICT_HINTS, **wording.BADGE_HINTS}
    buttons = "".join(
        f'<button type="button" data-{name}="{escape(key)}" title="{escape(hints.get(key, ""))}" '
        f'aria-pressed="{str(place == 0).lower()}">{escape(text)}</button>'
        for place, (key, text) in enumerate(choices.items())
    )
    return f'<div class="ph-group" role="group" aria-label="{escape(label)}">{buttons}</div>'
