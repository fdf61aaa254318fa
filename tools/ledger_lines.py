"""Claims of the ledger as lines of a page."""

from collections import Counter
from typing import Any

from phoque.figures.claims import COUNTED, quantity

Row = dict[str, Any]
"""A claim, or one of its numbers, as `report/claims.json` has it."""
VERDICTS = {
    "holds": "holds",
    "partly": "holds in part",
    "refuted": "refuted",
    "undecided": "measured, but undecided",
    "not_tested": "not tested",
}


def verdicts(claims: list[Row]) -> str:
    """How many claims have which verdict."""
    counts = Counter(one["verdict"] for one in claims)
    told = [
        f"{counts[name]} {COUNTED[name][counts[name] != 1]}" for name in COUNTED if counts[name]
    ]
    return f"{', '.join(told[:-1])}, and {told[-1]}." if told[1:] else f"{''.join(told)}."


def claim_line(claim: Row) -> str:
    """A claim with its verdict, number, control and file."""
    told = f"> {claim['claim']} **{VERDICTS[claim['verdict']].capitalize()}"
    if claim["value"] is None or claim["verdict"] == "not_tested":
        return f"{told}.** {claim['note']}"
    n = "" if claim["n"] is None else f", n = {claim['n']:,} {claim['of']}"
    control = claim["control"]
    beside = f"; {control['measure']}: {value_of(control, claim)}" if control else ""
    return f"{told}.** {claim['measure'][:1].upper()}{claim['measure'][1:]}: {value_of(claim, claim)}{n}{beside} (`{claim['record']}`)."


def part_of(claim: Row, name: str) -> str:
    """One more number of a claim; a chance is told as the headline is, and not in percent as shares are."""
    numbers = {one["name"]: one for one in (claim["control"], *claim["also"]) if one}
    as_told = name == "control" or claim["kind"] == "choice"
    kind = claim["kind"] if as_told else "share"
    if numbers[name]["field"].endswith(".more_hostile"):
        kind = "number"
    return value_of(numbers[name], claim | {"kind": kind, "unit": ""})


def value_of(one: Row, claim: Row) -> str:
    """A number with its interval."""
    if one["value"] is None:
        return "*not measured*"
    return quantity(one["value"], one["low"], one["high"], kind=claim["kind"], unit=claim["unit"])
