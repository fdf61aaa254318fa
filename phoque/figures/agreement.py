"""Do the moderators flag the same replies?"""

from collections.abc import Mapping

from phoque.figures.figure import Figure, plan
from phoque.figures.table import NOTHING, Cell, Ends, Table, Value, held, share, share_cell
from phoque.run.moderation import ModerationReport, called
from phoque.run.scored import PRIMARY
from phoque.stats.agreement import Agreement

Pairs = Mapping[str, Agreement]


@plan(
    key="agreement",
    title="Do the moderators agree?",
    hint="Kappa is agreement beyond chance: 1 is full agreement, 0 is none. Where few replies are flagged, kappa "
    "is small even if moderators agree, so the flagged share stands beside it. ToxBlock + SVM is the mean of the "
    "two, so it is no independent opinion on them.",
)
def draw(report: ModerationReport) -> Figure:
    """Agreement of every pair."""
    pairs = report.agreement
    count = next(iter(pairs.values())).n if pairs else 0
    return Figure(
        sentence=_sentence(pairs),
        table=Table.named(
            "Agreement at 0.5",
            "moderators",
            [(_pair(name), one) for name, one in pairs.items()],
            {
                "kappa": _kappa_cell,
                "flagged|mean share of flagged replies": ("prevalence", share_cell),
                "same verdict": ("observed", share_cell),
                "adjusted kappa|2 × same verdict − 1 (PABAK)": "adjusted",
                "n": "n",
            },
        ),
        n=f"{count} replies of all conditions",
    )


def _sentence(pairs: Pairs) -> str:
    """The pairs that are independent of each other, from the most to the least agreement."""
    independent = {name: one for name, one in pairs.items() if PRIMARY not in name.split(" / ")}
    known = {name: one.kappa for name, one in independent.items() if one.kappa is not None}
    if not known:
        return "No two independent moderators flag enough replies to measure their agreement."
    best, worst = max(known, key=known.__getitem__), min(known, key=known.__getitem__)
    if len(known) == 1:
        return (
            f"Of {len(independent)} pairs that share no part, only {_pair(best)} can be compared (kappa {_kappa(pairs[best])}); "
            "of every other pair, one gives all replies the same verdict."
        )
    return (
        f"Among pairs that share no part, {_pair(best)} agree most (kappa {_kappa(pairs[best])}, with "
        f"{share(pairs[best].prevalence)} flagged) and {_pair(worst)} least ({_kappa(pairs[worst])})."
    )


def _pair(name: str) -> str:
    return " / ".join(map(called, name.split(" / ")))


def _kappa(one: Agreement) -> str:
    # z keeps a rounded zero from being "-0.00".
    return held(Ends(one.kappa or 0.0, one.low or 0.0, one.high or 0.0), "z.2f")


def _kappa_cell(one: Agreement) -> Cell:
    fields = {"": one.kappa, " low": one.low, " high": one.high}
    return NOTHING if one.kappa is None else Value(_kappa(one), fields)
