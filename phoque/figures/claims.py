"""What the talk claims, and which claims hold: the ledger."""

from collections.abc import Sequence

from phoque.figures.figure import Figure, plan
from phoque.figures.kinds import interval, shown
from phoque.figures.table import NOTHING, Table, Value
from phoque.progress import span
from phoque.run.claims import Claim, Claims, Evidence, Verdict
from phoque.run.report import Kind

WORDS: dict[Verdict, str] = {
    "holds": "✔ holds",
    "partly": "◐ holds in part",
    "refuted": "✕ refuted",
    "undecided": "≈ undecided",
    "not_tested": "○ not tested",
}
"""With a symbol, so that no verdict is told by colour alone."""
COUNTED: dict[Verdict, tuple[str, str]] = {
    "holds": ("holds", "hold"),
    "partly": ("holds in part", "hold in part"),
    "refuted": ("is refuted", "are refuted"),
    "undecided": ("is undecided, although measured", "are undecided, although measured"),
    "not_tested": ("was not tested", "were not tested"),
}
"""What one claim does, and what several do."""
SECONDS = {"seconds": 1, "hours": 3600}
"""Units of time, which are told as the pages tell them."""


@plan(
    key="claims",
    title="What the talk claimed, and what we found",
    hint="The talk is the presentation that introduced the project. A rule in a file gives each verdict from the "
    "numbers of the runs; nobody gives one by hand. Undecided: the number was measured, and the rule gives "
    "no verdict on it.",
)
def draw(found: Claims) -> Figure:
    """How many claims have which verdict, and all of them."""
    return Figure(
        sentence=sentence(found),
        table=_table(found.claims),
        n=f"{len(found.claims)} claims of the talk",
    )


def sentence(found: Claims) -> str:
    """The verdicts in one sentence."""
    counts = {verdict: len(own) for verdict, own in found.by_verdict().items()}
    *first, last = [
        f"{count} {COUNTED[verdict][count != 1]}" for verdict, count in counts.items() if count
    ] or ["none is known"]
    told = f"{', '.join(first)}, and {last}" if first else last
    return f"Of {len(found.claims)} claims {told}."


def number_of(claim: Claim) -> str:
    """A claim's number with its interval and unit; a dash where it has none."""
    return _told(claim, claim)


def number_alone(claim: Claim) -> str:
    """The number as a page tells it, without unit and interval; empty where there is none."""
    if claim.value is None:
        return ""
    return _plain(claim.value, claim.kind, claim.unit).removesuffix(" points")


def counted(claim: Claim) -> str:
    """What was counted; a dash where nothing was."""
    return NOTHING if claim.n is None else f"{claim.n:,} {claim.of}".strip()


def control_of(claim: Claim) -> str:
    """What the number is compared with, and that number; empty where it stands alone."""
    known = claim.control
    return f"{known.measure}: {_told(known, claim)}" if known else ""


def told(claim: Claim) -> str:
    """Number, n and what it is compared with in one line; or why there is none."""
    if claim.value is None:
        return claim.note
    n = f", {counted(claim)}" if claim.n is not None else ""
    control = f"; {control_of(claim)}" if claim.control else ""
    return f"{claim.measure}: {number_of(claim)}{n}{control}"


def evidence_of(one: Evidence, claim: Claim) -> str:
    """Another number of the rule; what is missing says so."""
    return one.gap or _told(one, claim.model_copy(update={"kind": "number", "unit": ""}))


def source_of(one: Claim | Evidence) -> str:
    """The way from a number to the raw rows, in words; a dash where nothing was measured."""
    if not one.record:
        return NOTHING
    kept = f"raw rows in {one.rows}" if one.rows else "its raw rows are not recorded in this run"
    return f"{one.run}/{one.record}: {one.field}; {kept}"


def page(found: Claims) -> str:
    """The ledger as Markdown."""
    parts = ["# What the talk claims", sentence(found)]
    for verdict, own in found.by_verdict().items():
        if own:
            notes = [f"- *{one.claim}* {one.note}" for one in own if one.note]
            head = f"## {WORDS[verdict]}: {len(own)}"
            parts += [head, _table(own).markdown(), "\n".join(notes)]
    return "\n\n".join([*filter(None, parts), ""])


def quantity(value: float, low: float | None, high: float | None, *, kind: Kind, unit: str) -> str:
    """A number with its unit, in the singular for one of a thing, and its interval where it has one."""
    if unit in SECONDS:
        return _plain(value, kind, unit)
    counted_in = unit.removesuffix("s") if value == 1 else unit
    held = "" if low is None else interval(low, high, kind)
    return " ".join(filter(None, (_plain(value, kind, unit), counted_in, held)))


def _told(one: Claim | Evidence, claim: Claim) -> str:
    if one.value is None:
        return NOTHING
    return quantity(one.value, one.low, one.high, kind=claim.kind, unit=claim.unit)


def _plain(value: float, kind: Kind, unit: str) -> str:
    return span(value * SECONDS[unit]) if unit in SECONDS else shown(value, kind)


def _table(found: Sequence[Claim]) -> Table:
    return Table.of(
        "Every claim, with what decided it",
        found,
        {
            "slide": "slide",
            "claim": "claim",
            "verdict": lambda one: WORDS[one.verdict],
            "number": lambda one: Value(
                f"{one.measure}: {number_of(one)}" if one.measure else NOTHING,
                {"": one.value, " low": one.low, " high": one.high},
            ),
            "n": counted,
            "compared with": lambda one: control_of(one) or NOTHING,
            "decided by": lambda one: one.rule or NOTHING,
            "from": source_of,
        },
    )
