"""What known spelling tricks do to each moderator, with harmless texts as the control."""

from collections.abc import Mapping, Sequence
from typing import Any

from phoque.figures.table import Cell
from phoque.ui.moderation import wording
from phoque.ui.moderation.data import REPORT, ModerationFolder, names
from phoque.ui.parts import more, number, rate_cell, table
from phoque.ui.sections import Drawn, Section

SECTION = Section(
    key="battery",
    title="Which spelling tricks get past them",
    hint=wording.BATTERY_HINT,
    files=(REPORT,),
)

Tricks = Sequence[Mapping[str, Any]]


def draw(folder: ModerationFolder) -> Drawn:
    """One table a moderator; the first one open."""
    report = folder.report
    battery, own = report["battery"], names(report)
    known = [name for name in own if battery.get(name)]
    if not known:
        return Drawn(reading=wording.NO_BATTERY, failed=True)
    first, *others = known
    return Drawn(
        reading=reading(battery[first], first),
        below=_table(first, battery[first])
        + "".join(more(f"The same for {name}", _table(name, battery[name])) for name in others),
        n="texts as counted in each cell (point at it); threshold 0.5",
    )


def reading(tricks: Tricks, name: str) -> str:
    """The trick that costs the moderator most, and what making text canonical gives back."""
    raw = {one["trick"]: one for one in tricks if not one["canonical"]}
    undone = {one["trick"]: one for one in tricks if one["canonical"]}
    worst = min(raw, key=lambda trick: float(raw[trick]["kept"]["value"]))
    oddest = max(raw, key=lambda trick: float(raw[trick]["gained"]["value"]))
    return (
        f"{name} loses most to {worst}: {_kept(raw[worst])} stay flagged, {_kept(undone[worst])} "
        f"once the spelling is undone. Of harmless texts it newly flags most under {oddest}: "
        f"{100 * raw[oddest]['gained']['value']:.0f} %."
    )


def _kept(one: Mapping[str, Any]) -> str:
    return f"{100 * one['kept']['value']:.0f} %"


def _table(name: str, tricks: Tricks) -> str:
    raw, undone = (
        {one["trick"]: one for one in tricks if one["canonical"] is c} for c in (False, True)
    )
    rows: list[list[Cell]] = [
        [
            trick,
            rate_cell(raw[trick]["kept"]),
            rate_cell(raw[trick]["gained"]),
            _net(raw[trick]),
            rate_cell(undone[trick]["kept"]),
            rate_cell(undone[trick]["gained"]),
            _net(undone[trick]),
        ]
        for trick in raw
    ]
    return table(f"phoque-tricks-{name}", f"Spelling tricks, {name}", wording.BATTERY_HEAD, rows)


def _net(one: Mapping[str, Any]) -> Cell:
    return number(one["kept"]["value"] - one["gained"]["value"], sign=True)
