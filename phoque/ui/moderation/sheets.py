"""What each moderator can and cannot see: its data-sheet, before any flag rate."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from phoque.figures.table import Cell, Value
from phoque.ui import figures
from phoque.ui.moderation import wording
from phoque.ui.moderation.data import REPORT, ModerationFolder, Sheet, names, sheet_of, test_sets
from phoque.ui.parts import interval, more, number, rate_cell, table
from phoque.ui.sections import Drawn, Section

SECTION = Section(
    key="sheets",
    title="What these moderators can and cannot see",
    hint=wording.SHEETS_HINT,
    files=(REPORT,),
    num_figures=1,
)
CHANCE = 0.5
LOOKS = (
    (figures.PERSONA, "solid", "circle"),
    (figures.NEUTRAL, "dash", "diamond"),
    (figures.TOXIC, "dot", "square"),
    (figures.GREY, "dashdot", "triangle-up"),
)


def draw(folder: ModerationFolder) -> Drawn:
    """Cards, calibration, all operating points, and HateCheck by functionality."""
    report = folder.report
    own = names(report)
    sizes = {sheet["test_set"]: sheet["auc"]["n"] for sheet in report["data_sheets"]}
    return Drawn(
        reading=reading(report, own[0]),
        above=f'<div class="ph-sheets">{"".join(_card(report, name) for name in own)}</div>',
        figures=(_calibration(report, own),),
        below=more("Every operating point", _table(report, own)) + _kinds(report, own),
        n=", ".join(f"{name} {size} texts" for name, size in sizes.items()),
    )


def reading(report: Mapping[str, Any], name: str) -> str:
    """What the first moderator ranks right, set by set, and what it costs."""
    ranked = [
        f"on {test_set} in {_auc(sheet)}, {_against_chance(sheet)}"
        for test_set in test_sets(report)
        for sheet in [sheet_of(report, name, test_set, canonical=False)]
    ]
    first = sheet_of(report, name, test_sets(report)[0], canonical=False)
    at = first["at_default"]
    return (
        f"{name} puts a harmful text above a harmless one {'; '.join(ranked)}. At 0.5 it finds "
        f"{interval(at['sensitivity'])} of what {first['test_set']} calls {first['positive_means']} "
        f"and flags {interval(at['false_positive_rate'])} of the rest: about "
        f"{10 * (1 - at['sensitivity']['value']):.0f} of 10 harmful texts pass it."
    )


def _auc(sheet: Sheet) -> str:
    return interval(sheet["auc"])


def _against_chance(sheet: Sheet) -> str:
    return "better than chance" if sheet["auc"]["low"] > CHANCE else "no better than chance"


def _card(report: Mapping[str, Any], name: str) -> str:
    declared = next(one for one in report["declared"] if one["id"] == name)
    facts = "".join(
        f"<dt>{escape(label)}</dt><dd>{escape(_told(key, declared[key]))}</dd>"
        for key, label in wording.DECLARED.items()
    )
    seen = "".join(
        _verdict(sheet_of(report, name, test_set, canonical=False))
        for test_set in test_sets(report)
    )
    return (
        f'<article class="ph-sheet"><h3>{escape(name)}</h3><ul>{seen}</ul>'
        f"<p>{escape(declared['blind_spots'])}</p><dl>{facts}</dl></article>"
    )


def _told(key: str, value: Any) -> str:
    if key == "source":
        return wording.SOURCES[value]
    return value if isinstance(value, str) else ", ".join(value)


def _verdict(sheet: Sheet) -> str:
    sees = sheet["auc"]["low"] > CHANCE
    tone, word = ("sees", wording.ABOVE_CHANCE) if sees else ("blind", wording.AT_CHANCE)
    return (
        f'<li class="ph-{tone}"><b>{escape(word)}</b> {escape(sheet["positive_means"])} '
        f"({escape(sheet['test_set'])}, AUC {escape(_auc(sheet))})</li>"
    )


def _calibration(report: Mapping[str, Any], own: Sequence[str]) -> dict[str, Any]:
    test_set = test_sets(report)[0]
    traces = [figures.line("as it should be", [0, 1], [0, 1], figures.GREY, mode="lines")]
    traces[0]["line"] |= {"width": 1}
    for name, (colour, dash, symbol) in zip(own, LOOKS, strict=False):
        bins = sheet_of(report, name, test_set, canonical=False)["calibration"]["bins"]
        traces.append(
            figures.line(
                name,
                [one["mean_score"] for one in bins],
                [one["harmful"] for one in bins],
                colour,
                dash=dash,
                symbol=symbol,
                customdata=[one["n"] for one in bins],
                hovertemplate="score %{x:.2f}: %{y:.0%} harmful, n = %{customdata}"
                f"<extra>{name}</extra>",
            )
        )
    return figures.figure(
        "phoque-calibration",
        traces,
        x={"title": f"score of the moderator, {test_set}", "range": [-0.02, 1.02]},
        y={"title": "harmful, say people", **figures.SHARES},
    )


def _table(report: Mapping[str, Any], own: Sequence[str]) -> str:
    rows = [
        _row(sheet_of(report, name, test_set, canonical=canonical))
        for name in own
        for test_set in test_sets(report)
        for canonical in (False, True)
    ]
    return table("phoque-data-sheets", "Data-sheets", wording.SHEETS_HEAD, rows)


def _row(sheet: Sheet) -> list[Cell]:
    at, budget = sheet["at_default"], sheet["at_budget"]
    return [
        sheet["classifier"],
        sheet["test_set"],
        "canonical" if sheet["canonical"] else "as it is",
        rate_cell(sheet["auc"]),
        rate_cell(at["sensitivity"]),
        rate_cell(at["false_positive_rate"]),
        _threshold(budget["threshold"]),
        rate_cell(budget["sensitivity"]),
        number(sheet["calibration"]["expected_error"], 3),
        number(sheet["calibration"]["brier"], 3),
    ]


def _threshold(value: float) -> Cell:
    # Above 1 the moderator gives its highest score to more than 5 % of harmless texts.
    return Value("none keeps 5 %", {"": value}) if value > 1 else number(value, 3)


def _kinds(report: Mapping[str, Any], own: Sequence[str]) -> str:
    sets = [
        name
        for name in test_sets(report)
        if len({one["kind"] for one in _kinds_of(report, own[0], name)}) > 1
    ]
    return "".join(
        more(f"{test_set}, {wording.KINDS_SUMMARY}: {name}", _kinds_table(report, name, test_set))
        for test_set in sets
        for name in own
    )


def _kinds_of(report: Mapping[str, Any], name: str, test_set: str) -> Sequence[Mapping[str, Any]]:
    kinds: Sequence[Mapping[str, Any]] = sheet_of(report, name, test_set, canonical=False)[
        "at_default"
    ]["kinds"]
    return kinds


def _kinds_table(report: Mapping[str, Any], name: str, test_set: str) -> str:
    canonical = sheet_of(report, name, test_set, canonical=True)["at_default"]["kinds"]
    undone = {(one["kind"], one["harmful"]): one["flagged"] for one in canonical}
    rows: list[list[Cell]] = [
        [
            one["kind"],
            "yes" if one["harmful"] else "no",
            str(one["flagged"]["n"]),
            rate_cell(one["flagged"]),
            rate_cell(undone[one["kind"], one["harmful"]]),
        ]
        for one in _kinds_of(report, name, test_set)
    ]
    return table(f"phoque-kinds-{name}", f"{test_set}, {name}", wording.KINDS_HEAD, rows)
