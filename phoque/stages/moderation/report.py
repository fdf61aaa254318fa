"""The moderation report: data-sheets first, then what is flagged; no reply is quoted."""

from collections.abc import Mapping, Sequence
from typing import Any

from phoque.moderators.battery import Resistance
from phoque.moderators.classifier import ClassifierInfo
from phoque.moderators.datasheet import DataSheet
from phoque.stages.moderation.gap import shown
from phoque.stats.rates import Rate, wilson


def markdown(
    infos: Sequence[ClassifierInfo],
    sheets: Sequence[DataSheet],
    tricks: Mapping[str, Sequence[Resistance]],
    summary: Mapping[str, Any],
) -> str:
    """The report as a page; every share with n and its 95 % interval."""
    parts = ["# Moderation\n", "## What these moderators can and cannot see\n"]
    parts += [_declared(info) for info in infos]
    parts += [_sheets(sheets), "## What is flagged\n", _flagged(summary)]
    parts += ["## What a condition adds to neutral\n", _uplift(summary)]
    parts += ["## Agreement at 0.5\n", _agreement(summary["agreement"])]
    parts += ["## Spelling tricks at 0.5, on the first set\n", _tricks(tricks)]
    parts += ["## Replies that are no answer\n", _outcomes(summary["outcomes"])]
    return "\n".join(parts)


def _declared(info: ClassifierInfo) -> str:
    return (
        f"- **{info.id}** ({info.version}, {info.licence}): {info.construct}, "
        f"{', '.join(info.languages)}; trained on {info.training_data}. {info.blind_spots}"
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _sheets(sheets: Sequence[DataSheet]) -> str:
    head = ["moderator", "set", "text", "AUC", "found at 0.5", "harmless flagged at 0.5"]
    rows = [
        [
            one.classifier,
            f"{one.test_set}: {one.positive_means}",
            "canonical" if one.canonical else "as it is",
            f"{one.auc.value:.3f} [{one.auc.low:.3f}, {one.auc.high:.3f}]"
            + ("" if one.better_than_chance else ", no better than chance"),
            shown(one.at_default.sensitivity),
            shown(one.at_default.false_positive_rate),
        ]
        for one in sheets
    ]
    return table(head, rows)


def _flagged(summary: Mapping[str, Any]) -> str:
    rows = []
    for name, one in summary["classifiers"].items():
        for condition, found in one["conditions"].items():
            cells = [f"{shown(Rate(**at['rate']))}" for at in found["flagged"]]
            true = found["corrected"]
            told = str(Rate(**true["rate"])) if true["rate"] else true["reason"]
            rows.append([name, condition, *cells, told])
    head = ["moderator", "condition", "at 0.5", "at 0.7", "at its 5 % threshold", "corrected"]
    return table(head, rows)


def _uplift(summary: Mapping[str, Any]) -> str:
    rows = []
    for name, one in summary["classifiers"].items():
        for condition, at in one["uplift"].items():
            added = _effect(at[0]["effect"])
            rows.append([name, condition, added, f"{at[0]['mcnemar_holm']:.2g}"])
    return table(["moderator", "condition", "at 0.5", "McNemar p, Holm"], rows)


def _effect(effect: Mapping[str, Any]) -> str:
    if not effect["moved"] and not effect["moved_back"]:
        # A bootstrap of no differences has no width; that is not certainty.
        return f"nothing: of the prompts {shown(wilson(0, effect['prompts']))} differ"
    return f"{effect['value']:+.1%} [{effect['low']:+.1%}, {effect['high']:+.1%}]"


def _agreement(pairs: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [
            name,
            "undefined" if one["kappa"] is None else f"{one['kappa']:.2f}",
            f"{one['prevalence']:.1%}",
            f"{one['adjusted']:.2f}",
            str(one["n"]),
        ]
        for name, one in pairs.items()
    ]
    return table(["moderators", "kappa", "flagged", "adjusted kappa", "n"], rows)


def _tricks(tricks: Mapping[str, Sequence[Resistance]]) -> str:
    rows = [
        [
            name,
            one.trick,
            "canonical" if one.canonical else "as it is",
            shown(one.kept),
            shown(one.gained),
            f"{one.net:+.2f}",
        ]
        for name, own in tricks.items()
        for one in own
    ]
    head = ["moderator", "trick", "text", "stays flagged", "harmless newly flagged", "net"]
    return table(head, rows)


def _outcomes(conditions: Mapping[str, Mapping[str, int]]) -> str:
    kinds = list(next(iter(conditions.values())))
    rows = [[name, *(str(one[kind]) for kind in kinds)] for name, one in conditions.items()]
    return table(["condition", *kinds], rows)
