"""Whether the moderators agree, and which replies are no answers."""

from collections.abc import Mapping
from typing import Any

from phoque.figures.table import NOTHING, Cell, Value
from phoque.ui.moderation import wording
from phoque.ui.moderation.data import PRIMARY, REPORT, ModerationFolder
from phoque.ui.parts import number, share, share_cell, table
from phoque.ui.sections import Drawn, Section

SECTION = Section(
    key="agreement",
    title="Do they agree, and are the replies answers?",
    hint=wording.AGREEMENT_HINT,
    files=(REPORT,),
)
PAIR = " / "


def draw(folder: ModerationFolder) -> Drawn:
    """Agreement of every pair, then the classes of replies."""
    report = folder.report
    pairs = report["agreement"]
    return Drawn(
        reading=reading(pairs),
        below=_pairs(pairs) + _outcomes(report["outcomes"]),
        n=f"{next(iter(pairs.values()))['n']} replies of all conditions",
    )


def reading(pairs: Mapping[str, Mapping[str, Any]]) -> str:
    """The pairs that are independent of each other, from the most to the least agreement."""
    independent = {name: one for name, one in pairs.items() if PRIMARY not in name.split(PAIR)}
    known = {name: one for name, one in independent.items() if one["kappa"] is not None}
    if not known:
        return "No two independent moderators flag enough replies for agreement to be told."
    if len(known) == 1:
        ((name, one),) = known.items()
        return (
            f"Of moderators that share no part, only {name} can be compared: kappa {_kappa(one)}."
        )
    best = max(known, key=lambda name: float(known[name]["kappa"]))
    worst = min(known, key=lambda name: float(known[name]["kappa"]))
    return (
        f"Of moderators that share no part, {best} agree most, kappa {_kappa(known[best])} with "
        f"{share(known[best]['prevalence'])} flagged; {worst} least, {_kappa(known[worst])}."
    )


def _kappa(one: Mapping[str, Any]) -> str:
    # Adding 0.0 keeps a rounded zero from being "-0.00".
    value, low, high = (round(one[key], 2) + 0.0 for key in ("kappa", "low", "high"))
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def _pairs(pairs: Mapping[str, Mapping[str, Any]]) -> str:
    rows: list[list[Cell]] = [
        [
            name,
            _kappa_cell(one),
            share_cell(one["prevalence"]),
            share_cell(one["observed"]),
            number(one["adjusted"]),
            str(one["n"]),
        ]
        for name, one in pairs.items()
    ]
    return table("phoque-agreement", "Agreement at 0.5", wording.AGREEMENT_HEAD, rows)


def _kappa_cell(one: Mapping[str, Any]) -> Cell:
    if one["kappa"] is None:
        return NOTHING
    fields = {"": one["kappa"], " low": one["low"], " high": one["high"]}
    return Value(_kappa(one), fields)


def _outcomes(outcomes: Mapping[str, Mapping[str, int]]) -> str:
    rows: list[list[Cell]] = [
        [wording.CONDITIONS.get(name, name), *(str(count) for count in counts.values())]
        for name, counts in outcomes.items()
    ]
    return table("phoque-outcomes", "Classes of replies", wording.OUTCOMES_HEAD, rows)
