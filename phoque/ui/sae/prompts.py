"""Which prompts moved most, and whether one kind of prompt moves more than another."""

from collections.abc import Mapping, Sequence
from typing import Any

from phoque.figures.table import Cell, Value
from phoque.stats.multiple import holm
from phoque.ui.parts import more, number, p_cell, p_text, share, share_cell, table
from phoque.ui.sae import wording
from phoque.ui.sae.data import PROMPTS, REPORT, SaeFolder
from phoque.ui.sections import Drawn, Section

SECTION = Section(
    key="prompts",
    title="Which prompts moved most",
    hint=wording.PROMPTS_HINT,
    files=(PROMPTS, REPORT),
)
SHIFT = "shift_in_latents"
COLUMNS = (SHIFT, "shift", "shift_control", "shift_calm")
SIGNIFICANT = 0.05
ASKED = "gaming"
"""The kind that one would expect to move most."""


def draw(folder: SaeFolder) -> Drawn:
    """Kinds of prompt, their differences, and the prompts themselves."""
    found = folder.report["strata"]
    rows = folder.table(PROMPTS)
    return Drawn(
        reading=reading(found),
        below=_strata(found["strata"])
        + more("Every pair of kinds", _pairs(found["pairs"]))
        + more(f"The {wording.MOST_SHOWN} most-shifted prompts", _prompts(rows)),
        n=f"{len(rows)} prompts, tokens from the user's message on; intervals over prompts",
    )


def reading(found: Mapping[str, Any]) -> str:
    """Gaming prompts beside the kind that moves most of the others, all pairs allowed for."""
    means = {one["stratum"]: one[SHIFT]["mean"] for one in found["strata"]}
    other = max((name for name in means if name != ASKED), key=means.__getitem__)
    pairs = found["pairs"]
    adjusted = holm([pair["p"] for pair in pairs])
    p = next(
        p for pair, p in zip(pairs, adjusted, strict=True)
        if {pair["higher"], pair["lower"]} == {ASKED, other}
    )  # fmt: skip
    more_or_less = "more" if means[ASKED] > means[other] else "less"
    clear = f"{more_or_less}, clearly," if p < SIGNIFICANT else "not clearly more or less"
    return (
        f"Gaming prompts move {share(means[ASKED])} of the residual stream's length, {clear} than "
        f"{other} ones ({share(means[other])}), the most of the others: p {p_text(p)} after Holm "
        f"over {len(pairs)} pairs."
    )


def _strata(strata: Sequence[Mapping[str, Any]]) -> str:
    rows: list[list[Cell]] = [
        [one["stratum"], str(one["n"]), *(_mean(one[column]) for column in COLUMNS)]
        for one in strata
    ]
    return table("phoque-strata", "Shift by kind of prompt", wording.STRATA_HEAD, rows)


def _mean(found: Mapping[str, float]) -> Cell:
    text = f"{share(found['mean'])} [{100 * found['low']:.1f}, {100 * found['high']:.1f}]"
    return Value(text, {"": found["mean"], " low": found["low"], " high": found["high"]})


def _pairs(pairs: Sequence[Mapping[str, Any]]) -> str:
    rows: list[list[Cell]] = [
        [
            f"{one['higher']} − {one['lower']}",
            Value(f"{100 * one['difference']:+.2f} points", {"": one["difference"]}),
            p_cell(one["p"]),
        ]
        for one in pairs
    ]
    return table("phoque-strata-pairs", "Kinds compared", wording.PAIRS_HEAD, rows)


def _prompts(prompts: Sequence[Mapping[str, str]]) -> str:
    ordered = sorted(prompts, key=lambda row: -float(row[SHIFT]))[: wording.MOST_SHOWN]
    rows: list[list[Cell]] = [
        [
            row["prompt"],
            row["stratum"],
            *(share_cell(float(row[column])) for column in COLUMNS[:3]),
            number(float(row["peak"])),
        ]
        for row in ordered
    ]
    return table("phoque-prompts", "Most-shifted prompts", wording.PROMPTS_HEAD, rows)
