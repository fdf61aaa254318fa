"""What is flagged at any threshold: rates were counted beforehand, the script looks them up."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from phoque.figures.table import NOTHING, Cell, Value
from phoque.ui.moderation import wording
from phoque.ui.moderation.data import REPORT, SWEEP, ModerationFolder, names
from phoque.ui.parts import effect_cell, embedded, interval, more, number, p_cell, rate_cell, table
from phoque.ui.sections import Drawn, Section

SECTION = Section(
    key="flagged",
    title="What they flag",
    hint=wording.FLAGGED_HINT,
    files=(SWEEP, REPORT),
)
DEFAULT = 0.5
DIGITS = 4


def draw(folder: ModerationFolder) -> Drawn:
    """Moderator, threshold slider, bars, curves; and the numbers at the marks as tables."""
    report, swept = folder.report, folder.read(SWEEP)
    own = names(report)
    return Drawn(
        reading=reading(report, own),
        below=_explorer(report, swept, own)
        + more("Numbers at 0.5, 0.7 and each moderator's own threshold", _marks(report, own))
        + more("Corrected by the moderator's own errors", _corrected(report, own)),
        n=f"{swept['prompts']} prompts × {len(swept['seeds'])} seeds = {swept['n']} replies a "
        "condition; intervals count prompts, not replies",
    )


def reading(report: Mapping[str, Any], own: Sequence[str]) -> str:
    """The headline under the first two moderators, beside the control."""
    told = "; ".join(_headline(report, name) for name in own[:2])
    return f"At {DEFAULT}, {told}."


def _headline(report: Mapping[str, Any], name: str) -> str:
    conditions = report["classifiers"][name]["conditions"]
    flagged = {
        kind: interval(found["flagged"][0]["rate"])
        for kind, found in conditions.items()
        if kind in wording.CONDITIONS
    }
    listed = ", ".join(
        f"{wording.CONDITIONS[kind].split(' ', 1)[1].lower()} {rate}"
        for kind, rate in flagged.items()
    )
    return f"{name} flags {listed}"


def compact(
    report: Mapping[str, Any], swept: Mapping[str, Any], own: Sequence[str]
) -> dict[str, Any]:
    """What the script looks up, rounded to what is shown."""
    return {
        "thresholds": swept["thresholds"],
        "start": DEFAULT,
        "names": own,
        "own": {name: report["classifiers"][name]["own_threshold"] for name in own},
        "conditions": wording.CONDITIONS,
        "types": wording.TYPES,
        "hints": wording.TYPE_HINTS,
        "n": swept["n"],
        "prompts": swept["prompts"],
        "classifiers": _rounded(swept["classifiers"]),
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return round(value, DIGITS) if isinstance(value, float) else value


def _explorer(report: Mapping[str, Any], swept: Mapping[str, Any], own: Sequence[str]) -> str:
    return (
        f'<div class="ph-flags" data-draw="flags">{embedded(compact(report, swept, own))}'
        f'<div class="ph-group" role="group" aria-label="{escape(wording.MODERATOR)}">'
        f"{_moderators(own)}</div>"
        '<div class="ph-flag-slide"><label for="ph-threshold">'
        f'{escape(wording.THRESHOLD)}</label><input id="ph-threshold" type="range" min="0.01" '
        f'max="0.99" step="0.01" value="{DEFAULT}"><output></output></div>'
        '<div class="ph-group ph-pills ph-flag-marks" role="group" aria-label="Marks"></div>'
        '<div class="ph-flag-grid"><div class="ph-flag-bars"></div>'
        '<figure class="ph-flag-curve"><svg role="img" viewBox="0 0 100 60" '
        'preserveAspectRatio="none" aria-label="Flag rate over the threshold"></svg>'
        "<figcaption></figcaption></figure></div>"
        '<div class="ph-flag-tables"></div></div>'
    )


def _moderators(own: Sequence[str]) -> str:
    return "".join(
        f'<button type="button" data-moderator="{escape(name)}" '
        f'aria-pressed="{str(place == 0).lower()}">{escape(name)}</button>'
        for place, name in enumerate(own)
    )


def _marks(report: Mapping[str, Any], own: Sequence[str]) -> str:
    rows = [
        row
        for name in own
        for condition in report["classifiers"][name]["conditions"]
        for row in _condition_rows(report["classifiers"][name], name, condition)
    ]
    return table("phoque-flag-rates", "Flag rates", wording.FLAGGED_HEAD, rows)


def _condition_rows(found: Mapping[str, Any], name: str, condition: str) -> list[list[Cell]]:
    added = found["uplift"].get(condition)
    return [
        [
            name,
            wording.CONDITIONS.get(condition, condition),
            number(at["threshold"], 3),
            rate_cell(at["rate"]),
            effect_cell(added[place]["effect"]) if added else NOTHING,
            _p(added[place]) if added else NOTHING,
        ]
        for place, at in enumerate(found["conditions"][condition]["flagged"])
    ]


def _p(uplift: Mapping[str, Any]) -> Cell:
    adjusted = uplift.get("mcnemar_holm")
    if adjusted is None:
        return p_cell(uplift["mcnemar"])
    return Value(f"{adjusted:.2g} (Holm)", {"": adjusted})


def _corrected(report: Mapping[str, Any], own: Sequence[str]) -> str:
    rows: list[list[Cell]] = [
        [
            name,
            wording.CONDITIONS.get(condition, condition),
            rate_cell(found["flagged"][0]["rate"]),
            rate_cell(true["rate"]) if true["rate"] else true["reason"],
            number(true["power"]),
        ]
        for name in own
        for condition, found in report["classifiers"][name]["conditions"].items()
        for true in [found["corrected"]]
    ]
    return table("phoque-corrected", "Corrected flag rates", wording.CORRECTED_HEAD, rows)
