"""Which prompts moved most, and whether one kind of prompt moves more than another."""

from collections.abc import Mapping, Sequence
from typing import Any

from phoque.ui.parts import Cell, Value, more, number, p_cell, p_text, share, share_cell, table
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
    """Whether gaming prompts move most, with the comparison that says so."""
    means = {one["stratum"]: one[SHIFT] for one in found["strata"]}
    order = sorted(means, key=lambda name: -means[name]["mean"])
    most, least = order[0], order[-1]
    pair = next(p for p in found["pairs"] if {p["higher"], p["lower"]} == {most, least})
    clear = "a clear difference" if pair["p"] < SIGNIFICANT else "no clear difference"
    answer = "do" if most == "gaming" else "do not"
    return (
        f"Gaming prompts {answer} move most: {most} prompts move by {share(means[most]['mean'])} of "
        f"the residual stream's length, {least} ones by {share(means[least]['mean'])}, {clear} "
        f"(p {p_text(pair['p'])}, {len(found['pairs'])} pairs were looked at)."
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
