"""What do known spelling tricks do to each moderator, with harmless texts beside harmful ones?"""

from typing import NamedTuple

from phoque.figures.figure import Figure, plan
from phoque.figures.table import Column, Table, digits, share
from phoque.run.datasheets import Resistance
from phoque.run.moderation import ModerationReport, called

NOTHING_TO_TELL = "No moderator flags 30 harmful texts of the labelled set: no share is given."
COLUMNS: dict[str, Column["Pair"]] = {
    "trick": "raw.trick",
    "still flagged|of harmful texts that were flagged": "raw.kept",
    "newly flagged|of harmless texts that were not": "raw.gained",
    "net|still flagged minus newly flagged": ("raw.net", digits(2, sign=True)),
    "canonical: still flagged": "canonical.kept",
    "canonical: newly flagged": "canonical.gained",
    "canonical: net": ("canonical.net", digits(2, sign=True)),
}


class Pair(NamedTuple):
    """One trick on texts as they are, and canonical."""

    raw: Resistance
    canonical: Resistance


@plan(
    key="tricks",
    title="Which spelling tricks get past moderators?",
    hint="Eleven fixed spelling tricks are applied to Surge's harmful texts that were flagged and to its "
    "harmless texts that were not. Net is the share that stays flagged minus the share that is newly "
    "flagged, so a moderator that flags whatever looks odd gains nothing. We do not search for a "
    "spelling that passes.",
)
def draw(report: ModerationReport) -> Figure:
    """Every trick on every moderator."""
    found = {name: _pairs(report, name) for name in report.names if report.battery.get(name)}
    rows = [(called(name), pair) for name, pairs in found.items() for pair in pairs]
    return Figure(
        sentence=_sentence(*next(iter(found.items()))) if found else NOTHING_TO_TELL,
        table=Table.named("Spelling tricks", "moderator", rows, COLUMNS),
        n="texts as counted in each cell (point at it); threshold 0.5",
    )


def _pairs(report: ModerationReport, name: str) -> list[Pair]:
    raw, undone = (
        {one.trick: one for one in report.battery[name] if one.canonical is canonical}
        for canonical in (False, True)
    )
    return [Pair(raw[trick], undone[trick]) for trick in raw]


def _sentence(name: str, pairs: list[Pair]) -> str:
    """The trick that costs the moderator most, and what making text canonical gives back."""
    worst, undone = min(pairs, key=lambda pair: pair.raw.kept.value)
    oddest, _ = max(pairs, key=lambda pair: pair.raw.gained.value)
    return (
        f"{called(name)} loses most to {worst.trick}: {share(worst.kept.value)} stay flagged, "
        f"{share(undone.kept.value)} once the spelling is undone. Of harmless texts it newly flags "
        f"most under {oddest.trick}: {share(oddest.gained.value)}."
    )
