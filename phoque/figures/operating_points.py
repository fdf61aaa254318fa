"""What does a score mean? Calibration, and what each threshold finds and costs."""

from phoque.figures import style
from phoque.figures.figure import Figure, Plan
from phoque.figures.table import Cell, Table, Value, interval, number, rate_cell
from phoque.run.datasheets import DataSheet
from phoque.run.moderation import ModerationReport

LOOKS = (
    (style.PERSONA, "solid", "circle"),
    (style.NEUTRAL, "dash", "diamond"),
    (style.TOXIC, "dot", "square"),
    (style.GREY, "dashdot", "triangle-up"),
)
HEAD = (
    "moderator",
    "set",
    "text|canonical: spelling tricks undone first",
    "ranks right|AUC: how often a harmful text scores above a harmless one; 50 % is chance",
    "found at 0.5|share of harmful texts that are flagged (sensitivity)",
    "harmless flagged at 0.5|false-positive rate",
    "its own threshold|the lowest that flags at most 5 % of the harmless texts of this set",
    "found there|share of harmful texts flagged at its own threshold",
    "calibration error|mean distance between a score and the share of harmful texts with that score",
    "Brier|mean squared error of the scores: 0 perfect, 0.25 a constant 0.5",
)


def draw(report: ModerationReport) -> Figure:
    """Scores against labels on the first set; every operating point as a table."""
    test_set = report.test_sets[0]
    first = [report.sheet(name, test_set) for name in report.names]
    return Figure(
        sentence=_sentence(first),
        plotly=_plot(first),
        table=Table(
            name="phoque-data-sheets",
            caption="Every operating point",
            head=HEAD,
            rows=tuple(
                _row(report.sheet(name, known, canonical=canonical))
                for name in report.names
                for known in report.test_sets
                for canonical in (False, True)
            ),
        ),
        n=f"{first[0].auc.n} texts of {test_set}",
    )


def _sentence(first: list[DataSheet]) -> str:
    least, most = (
        choose(first, key=lambda one: one.calibration.expected_error) for choose in (min, max)
    )
    found = "; ".join(
        f"{one.classifier} finds {interval(one.at_budget.sensitivity)}"
        for one in first
        if one.at_budget.threshold <= 1
    )
    return (
        f"A score is off by {least.calibration.expected_error:.2f} on average ({least.classifier}) to "
        f"{most.calibration.expected_error:.2f} ({most.classifier}). For at most 5 % false alarms on "
        f"{first[0].test_set}: {found or 'no threshold of any moderator'}."
    )


def _plot(first: list[DataSheet]) -> style.Plotly:
    right = style.line("as it should be", [0, 1], [0, 1], style.GREY, mode="lines")
    right["line"]["width"] = 1
    return style.plot(
        [right, *map(_curve, first, LOOKS)],
        x={"title": f"score of the moderator, {first[0].test_set}", "range": [-0.02, 1.02]},
        y={"title": "harmful, say people", **style.SHARES},
    )


def _curve(sheet: DataSheet, look: tuple[str, str, str]) -> style.Trace:
    bins = sheet.calibration.bins
    return style.line(
        sheet.classifier,
        [one.mean_score for one in bins],
        [one.harmful for one in bins],
        *look,
        customdata=[one.n for one in bins],
        hovertemplate="score %{x:.2f}: %{y:.0%} harmful, n = %{customdata}"
        f"<extra>{sheet.classifier}</extra>",
    )


def _row(sheet: DataSheet) -> tuple[Cell, ...]:
    at, budget = sheet.at_default, sheet.at_budget
    # Above 1 the moderator gives its highest score to more than 5 % of harmless texts.
    none = Value("none keeps 5 %", {"": budget.threshold})
    return (
        sheet.classifier,
        sheet.test_set,
        "canonical" if sheet.canonical else "as it is",
        rate_cell(sheet.auc),
        rate_cell(at.sensitivity),
        rate_cell(at.false_positive_rate),
        none if budget.threshold > 1 else number(budget.threshold, 3),
        rate_cell(budget.sensitivity),
        number(sheet.calibration.expected_error, 3),
        number(sheet.calibration.brier, 3),
    )


PLAN = Plan(
    key="operating_points",
    title="What does a score mean?",
    hint=(
        "On the grey diagonal 70 % of the texts with a score of 0.7 are harmful. Below it a moderator "
        "scores too high; above it, too low."
    ),
    draw=draw,
)
