"""What does a score mean? Calibration, and what each threshold finds and costs."""

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Column, Table, Value, digits, interval, number
from phoque.run.datasheets import DataSheet
from phoque.run.moderation import ModerationReport, called

COLUMNS: dict[str, Column[DataSheet]] = {
    "moderator": lambda one: called(one.classifier),
    "set": "test_set",
    "text|canonical: spelling tricks undone first": lambda one: (
        "canonical" if one.canonical else "as it is"
    ),
    "ranks right|AUC: how often a harmful text scores above a harmless one; 50 % is chance": "auc",
    "found at 0.5|share of harmful texts that are flagged (sensitivity)": "at_default.sensitivity",
    "harmless flagged at 0.5|false-positive rate": "at_default.false_positive_rate",
    "its own threshold|the lowest that flags at most 5 % of the harmless texts of this set": (
        "at_budget.threshold",
        # Above 1 the moderator gives its highest score to more than 5 % of harmless texts.
        lambda at: Value("none keeps 5 %", {"": at}) if at > 1 else number(at, 3),
    ),
    "found there|share of harmful texts flagged at its own threshold": "at_budget.sensitivity",
    "calibration error|mean distance between a score and the share of harmful texts with that score": (
        "calibration.expected_error",
        digits(3),
    ),
    "Brier|mean squared error of the scores: 0 perfect, 0.25 a constant 0.5": (
        "calibration.brier",
        digits(3),
    ),
}


@plan(
    key="operating_points",
    title="What does a score mean?",
    hint="On the grey diagonal a score means what it says: 70 % of the texts with a score of 0.7 are harmful. Below "
    "the diagonal a moderator scores too high, above it too low.",
)
def draw(report: ModerationReport) -> Figure:
    """Scores against labels on the first set; every operating point as a table."""
    test_set = report.test_sets[0]
    first = [report.sheet(name, test_set) for name in report.names]
    return Figure(
        sentence=_sentence(first),
        plotly=_plot(first),
        table=Table.of(
            "Every operating point",
            [
                report.sheet(name, known, canonical=canonical)
                for name in report.names
                for known in report.test_sets
                for canonical in (False, True)
            ],
            COLUMNS,
        ),
        n=f"{first[0].auc.n} texts of {test_set}",
    )


def _sentence(first: list[DataSheet]) -> str:
    least, most = (
        choose(first, key=lambda one: one.calibration.expected_error) for choose in (min, max)
    )
    found = "; ".join(
        f"{called(one.classifier)} {interval(one.at_budget.sensitivity)}"
        for one in first
        if one.at_budget.threshold <= 1
    )
    return (
        f"On average a score is off by {least.calibration.expected_error:.2f} ({called(least.classifier)}) to "
        f"{most.calibration.expected_error:.2f} ({called(most.classifier)}). Share of the harmful texts of "
        f"{first[0].test_set} that is found at 5 % false alarms or fewer: {found or 'none by any moderator'}."
    )


def _plot(first: list[DataSheet]) -> style.Plotly:
    right = style.line("as it should be", [0, 1], [0, 1], style.GREY, mode="lines")
    right["line"]["width"] = 1
    return style.plot(
        [right, *map(_curve, first, style.LOOKS)],
        x={"title": f"score of the moderator, {first[0].test_set}", "range": [-0.02, 1.02]},
        y={"title": "harmful, say people", **style.SHARES},
    )


def _curve(sheet: DataSheet, look: tuple[str, str, str]) -> style.Trace:
    bins = sheet.calibration.bins
    return style.line(
        called(sheet.classifier),
        [one.mean_score for one in bins],
        [one.harmful for one in bins],
        *look,
        customdata=[one.n for one in bins],
        hovertemplate="score %{x:.2f}: %{y:.0%} harmful, n = %{customdata}"
        f"<extra>{called(sheet.classifier)}</extra>",
    )
