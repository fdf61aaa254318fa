"""What do known spelling tricks do to each moderator, with harmless texts beside harmful ones?"""

from phoque.figures.figure import Figure, plan
from phoque.figures.table import Cell, Table, number, rate_cell, share
from phoque.run.datasheets import Resistance
from phoque.run.moderation import ModerationReport

HEAD = (
    "moderator",
    "trick",
    "still flagged|of harmful texts that were flagged",
    "newly flagged|of harmless texts that were not",
    "net|still flagged minus newly flagged",
    "canonical: still flagged",
    "canonical: newly flagged",
    "canonical: net",
)
Pair = tuple[Resistance, Resistance]
"""One trick on texts as they are, and canonical."""


@plan(
    key="tricks",
    title="Which spelling tricks get past them?",
    hint="Eleven fixed spelling tricks on Surge's texts, for harmful ones that were flagged and "
    "harmless ones that were not. A moderator that flags whatever looks odd gains nothing: net "
    "is what stays flagged minus what is newly flagged. Nothing searches for a spelling that "
    "passes.",
)
def draw(report: ModerationReport) -> Figure:
    """Every trick on every moderator."""
    found = {name: _pairs(report, name) for name in report.names if report.battery.get(name)}
    rows = [_row(name, pair) for name, pairs in found.items() for pair in pairs]
    return Figure(
        sentence=_sentence(*next(iter(found.items()))) if found else NOTHING_TO_TELL,
        table=Table(name="phoque-tricks", caption="Spelling tricks", head=HEAD, rows=tuple(rows)),
        n="texts as counted in each cell (point at it); threshold 0.5",
    )


def _pairs(report: ModerationReport, name: str) -> list[Pair]:
    raw, undone = (
        {one.trick: one for one in report.battery[name] if one.canonical is canonical}
        for canonical in (False, True)
    )
    return [(raw[trick], undone[trick]) for trick in raw]


def _sentence(name: str, pairs: list[Pair]) -> str:
    """The trick that costs the moderator most, and what making text canonical gives back."""
    worst, undone = min(pairs, key=lambda pair: pair[0].kept.value)
    oddest, _ = max(pairs, key=lambda pair: pair[0].gained.value)
    return (
        f"{name} loses most to {worst.trick}: {share(worst.kept.value)} stay flagged, "
        f"{share(undone.kept.value)} once the spelling is undone. Of harmless texts it newly flags "
        f"most under {oddest.trick}: {share(oddest.gained.value)}."
    )


def _row(name: str, pair: Pair) -> tuple[Cell, ...]:
    cells = [
        cell
        for one in pair
        for cell in (rate_cell(one.kept), rate_cell(one.gained), number(one.net, sign=True))
    ]
    return (name, pair[0].trick, *cells)


NOTHING_TO_TELL = "No moderator flags 30 harmful texts of the labelled set: no share is given."
