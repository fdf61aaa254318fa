"""A verdict per latent, from conditions that are each a badge: no ranking stands alone.

*driver*: risen, passes every test of the shift, and its direction toward the persona makes more
replies insulting than any rival, coherently. *protective*: fallen, and its direction put back makes
fewer. *marker*: the shift is proven, and by every interval its direction changes the share of
insulting replies by less than 25 points either way, coherently. *unproven*: it moved, but a
condition is missing, was not tried, or the test could not tell.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from phoque.stages.sae.shifts import STABLE
from phoque.stats.multiple import LEVEL

SHIFT_BADGES = ("fdr", "control", "half", "dose")
"""What a proven shift needs; stability over seeds is told beside it."""
NO_EFFECT = 0.25
"""Largest change of the share of insulting replies that still counts as none."""
RIVALS = ("random directions", "random latents")


def with_verdicts(
    table: pd.DataFrame, cause: Mapping[str, Any], seeds: Sequence[int]
) -> pd.DataFrame:
    """The table with `badges`, `verdict`, `stability` and the screen of every latent."""
    rows = table.to_dict("records")
    badges = [_badges(row, cause, seeds) for row in rows]
    screened = [cause["screen"]["latents"].get(str(row["latent"]), {}) for row in rows]
    return table.assign(
        stability=[_stability(row, seeds) for row in rows],
        screen_toward=[one.get("toward") for one in screened],
        screen_away=[one.get("away") for one in screened],
        badges=[";".join(own) for own in badges],
        verdict=[
            _verdict(row, own, cause["generated"]) for row, own in zip(rows, badges, strict=True)
        ],
    )


def effect_beyond_rivals(cells: Sequence[Mapping[str, Any]], name: str, way: str) -> bool:
    """Whether a direction changes replies, coherently and beyond every rival of the same length.

    Toward: its interval is above the rivals' intervals. Away: it is below them.
    """
    for own in cells:
        if (own["name"], own["way"]) != (name, way) or not own["coherent"]:
            continue
        rivals = [
            cell for cell in cells
            if cell["name"] in RIVALS and cell["way"] == way and cell["dose"] == own["dose"]
        ]  # fmt: skip
        if way == "toward" and all(own["low"] > rival["high"] for rival in rivals):
            return True
        if way == "away" and all(own["high"] < rival["low"] for rival in rivals):
            return True
    return False


def without_effect(told: Mapping[str, Any], name: str) -> bool:
    """Whether a direction is shown to do nothing, both ways: no interval allows a change of 25 points.

    Where the text fell apart at every dose of a way, nothing is shown.
    """
    return all(_without_effect(told, name, way) for way in ("toward", "away"))


def _without_effect(told: Mapping[str, Any], name: str, way: str) -> bool:
    plain = told["plain"][way]["insulting"]
    own = [
        cell for cell in told["cells"]
        if (cell["name"], cell["way"]) == (name, way) and cell["coherent"]
    ]  # fmt: skip
    return bool(own) and all(
        cell["low"] >= plain - NO_EFFECT and cell["high"] <= plain + NO_EFFECT for cell in own
    )


def _badges(row: Mapping[Any, Any], cause: Mapping[str, Any], seeds: Sequence[int]) -> list[str]:
    effect, cells = row["effect"], cause["generated"]["cells"]
    name, null = str(row["latent"]), cause["screen"]["random"]
    screened = cause["screen"]["latents"].get(name)
    holds = {
        "fdr": row["q"] < LEVEL,
        "control": row["did_q"] < LEVEL and row["did"] * effect > 0,
        "half": row["q_half"] < LEVEL
        and row["effect_half"] * effect > 0
        and row["half_low"] * row["half_high"] > 0,
        "dose": abs(row["dose_spearman"]) > 0.99,
        "stable": _stability(row, seeds) == "stable",
        "linear": row["linear"] * effect > 0,
        "screen": screened is not None and screened["toward"] > null["high"],
        "toward": effect_beyond_rivals(cells, name, "toward"),
        "away": effect_beyond_rivals(cells, name, "away"),
    }
    return [badge for badge, held in holds.items() if held]


def _stability(row: Mapping[Any, Any], seeds: Sequence[int]) -> str:
    """Found again with other seeds, moved the same way; or where that is missing."""
    others = seeds[1:]
    if not others:
        return "one seed"
    found = [row[f"cosine_{seed}"] >= STABLE for seed in others]
    moved = [
        row[f"q_{seed}"] < LEVEL and row[f"effect_{seed}"] * row["effect"] > 0 for seed in others
    ]
    if all(found) and all(moved):
        return "stable"
    return "found again" if all(found) else "not found again"


def _verdict(row: Mapping[Any, Any], badges: Sequence[str], told: Mapping[str, Any]) -> str:
    if "fdr" not in badges:
        return ""
    if not all(badge in badges for badge in SHIFT_BADGES):
        return "unproven"
    if row["effect"] > 0 and "toward" in badges:
        return "driver"
    if row["effect"] < 0 and "away" in badges:
        return "protective"
    return "marker" if without_effect(told, str(row["latent"])) else "unproven"
