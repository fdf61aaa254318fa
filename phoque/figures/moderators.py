"""What can each moderator see? What it says of itself, and whether it beats chance on labelled sets."""

from phoque.figures.figure import Figure, plan
from phoque.figures.table import Cell, Table, Value, interval, rate_cell
from phoque.run.datasheets import ClassifierInfo, DataSheet
from phoque.run.moderation import ModerationReport, called

RUNS = {
    "embedded": "here, without network",
    "lexicon": "here, without network",
    "hub": "here, weights from the Hub",
    "api": "ELSEWHERE: text leaves the machine",
}
SEES = {True: "✓ sees it", False: "✗ no better than chance"}


@plan(
    key="moderators",
    title="What can these moderators see?",
    hint="Each moderator scored two public sets that people labelled: Surge (1,000 comments of social "
    "media, half of them toxic) and HateCheck (3,728 test cases of hate speech, with harmless "
    "twins).",
)
def draw(report: ModerationReport) -> Figure:
    """A row a moderator; the sentence is about the first one."""
    sheets = [report.sheet(report.names[0], name) for name in report.test_sets]
    heads = [
        f"{sheet.test_set}: {sheet.positive_means}|how often a harmful text scores above a harmless one; "
        "50 % is chance"
        for sheet in sheets
    ]
    own = {one.id: one for one in report.declared}
    return Figure(
        sentence=_sentence(report, report.names[0]),
        table=Table(
            caption="What they are, and what they see",
            head=("moderator", "made to see", *heads, "what it cannot see", "what it is", "runs"),
            rows=tuple(_row(report, own[name]) for name in report.names),
        ),
        n="; ".join(_counted(report, sheet) for sheet in sheets),
    )


def _sentence(report: ModerationReport, name: str) -> str:
    sheets = [report.sheet(name, test_set) for test_set in report.test_sets]
    ranked = "; ".join(
        f"in {interval(one.auc)} of pairs of {one.test_set}, "
        f"{'' if one.better_than_chance else 'no '}better than chance"
        for one in sheets
    )
    first, at = sheets[0], sheets[0].at_default
    return (
        f"{called(name)} scores a harmful text higher than a harmless one {ranked}. At 0.5 it finds "
        f"{interval(at.sensitivity)} of what {first.test_set} calls {first.positive_means} "
        f"and flags {interval(at.false_positive_rate)} of the rest: about "
        f"{10 * (1 - at.sensitivity.value):.0f} of 10 harmful texts pass it."
    )


def _counted(report: ModerationReport, first: DataSheet) -> str:
    """Texts that the first moderator judged, and who judged another number of them."""
    own = {name: report.sheet(name, first.test_set).auc.n for name in report.names}
    others = [f", {called(name)} {n}" for name, n in own.items() if n != first.auc.n]
    held_out = " (those it did not learn from)" if others else ""
    return f"{first.test_set} {first.auc.n} texts{''.join(others)}{held_out}"


def _row(report: ModerationReport, info: ClassifierInfo) -> tuple[Cell, ...]:
    return (
        called(info.id),
        f"{info.construct} ({', '.join(info.languages)})",
        *(_seen(report.sheet(info.id, test_set)) for test_set in report.test_sets),
        info.blind_spots,
        f"{info.version}; {info.licence}; trained on {info.training_data}",
        RUNS[info.source],
    )


def _seen(sheet: DataSheet) -> Cell:
    cell = rate_cell(sheet.auc)
    return Value(f"{SEES[sheet.better_than_chance]}: {cell.shown}", cell.fields, cell.title)
