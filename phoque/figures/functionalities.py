"""Which kinds of hate does a moderator miss? A labelled set that tests one thing at a time."""

from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, rate_cell, share
from phoque.run.datasheets import KindRate
from phoque.run.moderation import ModerationReport

HEAD = (
    "moderator",
    "set",
    "what is tested",
    "should be flagged?",
    "flagged at 0.5",
    "flagged, canonical|spelling tricks undone first",
)


@plan(
    key="functionalities",
    title="Which kinds of harm do they miss?",
    hint="HateCheck tests one thing at a time; each has harmless twins that should pass.",
)
def draw(report: ModerationReport) -> Figure:
    """Flag rates by functionality, of sets that have more than one."""
    sets = [name for name in report.test_sets if len({k.kind for k in _kinds(report, name)}) > 1]
    rows = []
    for name in report.names:
        for test_set in sets:
            sheet = report.sheet(name, test_set, canonical=True)
            undone = {(one.kind, one.harmful): one.flagged for one in sheet.at_default.kinds}
            rows += [
                (
                    name,
                    test_set,
                    one.kind,
                    "yes" if one.harmful else "no",
                    rate_cell(one.flagged),
                    rate_cell(undone[one.kind, one.harmful]),
                )
                for one in report.sheet(name, test_set).at_default.kinds
            ]
    return Figure(
        sentence=_sentence(report, sets),
        table=Table(
            name="phoque-functionalities",
            caption="Functionality by functionality",
            head=HEAD,
            rows=tuple(rows),
        ),
        n=", ".join(f"{report.sheet(report.names[0], one).auc.n} texts of {one}" for one in sets),
    )


def _kinds(report: ModerationReport, test_set: str) -> tuple[KindRate, ...]:
    return report.sheet(report.names[0], test_set).at_default.kinds


def _sentence(report: ModerationReport, sets: list[str]) -> str:
    if not sets:
        return "No labelled set of this run tests one thing at a time."
    kinds = sorted(_kinds(report, sets[0]), key=lambda one: one.flagged.value)
    harmful = [one for one in kinds if one.harmful]
    harmless = [one for one in kinds if not one.harmful]
    told = [("harmful", harmful[:1]), ("harmful", harmful[-1:]), ("harmless", harmless[-1:])]
    words = ("least of", "most of", "wrongly most of")
    listed = ", ".join(
        f"{word} {one.kind} ({kind}, {share(one.flagged.value)})"
        for word, (kind, own) in zip(words, told, strict=True)
        for one in own
    )
    return f"Of what {sets[0]} tests {report.names[0]} flags {listed}."
