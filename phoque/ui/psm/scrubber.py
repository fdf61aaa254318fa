"""The scale scrubber: shipped replies at every scale. The script switches between them."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from phoque.figures.table import Cell
from phoque.ui.parts import embedded, interval, more, number, rate_cell, table
from phoque.ui.psm import wording
from phoque.ui.psm.data import SCRUBBER, PsmFolder
from phoque.ui.sections import Drawn, Section
from phoque.ui.wording import REVEAL

SECTION = Section(
    key="scrubber",
    title="Drag the scale",
    hint=wording.SCRUBBER_HINT,
    files=(SCRUBBER,),
)
SLIDING = ("vector", "random", "reversed")


def draw(folder: PsmFolder) -> Drawn:
    """Controls, empty columns and the replies as data."""
    found = folder.read(SCRUBBER)
    return Drawn(
        reading=reading(found, wording.hits(folder.persona)),
        below=_scrubber(found, folder) + more("All numbers of the scrubber", _table(found)),
        n=f"{found['asked']} prompts a scale for the rate ({len(found['presets'])} shown and "
        f"{found['asked'] - len(found['presets'])} of the sweep), greedy, one random vector",
    )


def reading(found: Mapping[str, Any], hits: str) -> str:
    """What dragging to the selected scale does, beside the random vector at the same place."""
    scale, series = found["scale"], found["series"]
    before = at_scale(series["vector"], 0)["insulting"]
    after = at_scale(series["vector"], scale)["insulting"]
    null = at_scale(series["random"], scale)["insulting"]
    clear = "clearly" if after["low"] > max(null["high"], before["high"]) else "not clearly"
    return (
        f"From scale 0 to {scale:.2f} the {hits} go from {interval(before)} to {interval(after)} "
        f"of {after['n']}, {clear} beyond a random vector of the same length ({interval(null)})."
    )


def at_scale(cells: Sequence[Mapping[str, Any]], scale: float) -> Mapping[str, Any]:
    """The cell nearest to a scale."""
    return min(cells, key=lambda cell: abs(cell["at"] - scale))


def compact(found: Mapping[str, Any]) -> dict[str, Any]:
    """What the script needs, without what it can add up itself."""
    return {
        "scale": found["scale"],
        "coherent": found["coherent_scale"],
        "nat": found["nat_scale"],
        "dose": found["dose_per_scale"],
        "scales": found["scales"],
        "prompts": [preset["prompt"] for preset in found["presets"]],
        "reach": reach(found),
        "series": {
            kind: [_compact_cell(cell) for cell in cells] for kind, cells in found["series"].items()
        },
    }


def _compact_cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    rate = cell["insulting"]
    return {
        "at": cell["at"],
        "rate": [rate["value"], rate["low"], rate["high"], rate["n"]],
        "mean": cell["projection"],
        "replies": [[reply["hits"], reply["tokens"]] for reply in cell["replies"]],
    }


def reach(found: Mapping[str, Any]) -> float:
    """Where the colour is full: the largest mean projection inside the coherent band."""
    inside: list[float] = [
        abs(cell["projection"])
        for kind, cells in found["series"].items()
        for cell in cells
        if cell["projection"] is not None
        and (kind not in SLIDING or abs(cell["at"]) <= found["coherent_scale"])
    ]
    return max([1.0, *inside])


def _scrubber(found: Mapping[str, Any], folder: PsmFolder) -> str:
    last = len(found["scales"]) - 1
    start = min(range(last + 1), key=lambda place: abs(found["scales"][place] - found["scale"]))
    return (
        f'<div class="ph-scrub" data-draw="scrubber">{embedded(compact(found))}'
        f"{_presets(found)}"
        f'<div class="ph-scrub-row">{_series()}'
        f'<button type="button" class="ph-reveal-toggle">{REVEAL}</button></div>'
        f"{_slider(found, last, start)}{_cards(found)}"
        '<p class="ph-scrub-words" aria-live="polite"></p>'
        f"{_meters(wording.hits(folder.persona))}"
        f'<div class="ph-scrub-columns">{_column("neutral")}{_column("main")}{_column("toxic")}'
        f'</div><p class="ph-scrub-token" aria-live="polite">{wording.TOKEN_HINT}</p></div>'
    )


def _presets(found: Mapping[str, Any]) -> str:
    buttons = "".join(
        f'<button type="button" data-preset="{place}" aria-pressed="{str(place == 0).lower()}" '
        f'title="{escape(preset["prompt"])}">{escape(preset["label"])}</button>'
        for place, preset in enumerate(found["presets"])
    )
    return (
        f'<div class="ph-group ph-pills" role="group" aria-label="{wording.PRESETS}">{buttons}</div>'
        '<p class="ph-scrub-prompt"></p>'
    )


def _series() -> str:
    buttons = "".join(
        f'<button type="button" data-series="{kind}" title="{escape(hint)}" '
        f'aria-pressed="{str(kind == "vector").lower()}">{escape(name)}</button>'
        for kind, (name, hint) in wording.SERIES.items()
    )
    return (
        f'<div class="ph-group" role="group" aria-label="{wording.WHAT_IS_ADDED}">{buttons}</div>'
    )


def _slider(found: Mapping[str, Any], last: int, start: int) -> str:
    ticks = "".join(
        f'<span style="left:{100 * place / max(1, last):.2f}%">{scale:g}</span>'
        for place, scale in enumerate(found["scales"])
    )
    return (
        f'<div class="ph-scrub-slide"><label for="ph-scrub-range">{wording.SCRUB_LABEL}</label>'
        f'<div class="ph-scrub-track"><div class="ph-scrub-zones" aria-hidden="true">'
        f'{_zones(found, last)}</div><input id="ph-scrub-range" type="range" min="0" max="{last}" '
        f'step="1" value="{start}"><div class="ph-scrub-ticks" aria-hidden="true">{ticks}</div>'
        "</div></div>"
    )


def _zones(found: Mapping[str, Any], last: int) -> str:
    end = _place(found["scales"], found["coherent_scale"]) / max(1, last)
    zone = (
        f'<i class="ph-collapse" style="left:{100 * end:.2f}%"><b>{wording.COLLAPSE}</b></i>'
        if end < 1
        else ""
    )
    nat = found["nat_scale"]
    if nat is None or nat > found["scales"][-1]:
        return zone
    place = 100 * _place(found["scales"], nat) / max(1, last)
    return f'{zone}<i class="ph-nat" style="left:{place:.2f}%"><b>{wording.ONE_NAT}</b></i>'


def _place(scales: Sequence[float], scale: float) -> float:
    """Where a scale lies between the slider's steps, which are not evenly far apart."""
    if scale <= scales[0]:
        return 0.0
    for place, (low, high) in enumerate(pairwise(scales)):
        if low <= scale <= high:
            return place + (scale - low) / (high - low)
    return float(len(scales) - 1)


def _cards(found: Mapping[str, Any]) -> str:
    buttons = "".join(
        f'<button type="button" data-remedy="{place}" aria-pressed="{str(place == 0).lower()}">'
        f"<b>{escape(str(cell['at']))}</b><span>{interval(cell['insulting'])}</span>"
        f"<small>{escape(wording.REMEDIES.get(str(cell['at']), ''))}</small></button>"
        for place, cell in enumerate(found["series"]["antidote"])
    )
    return f'<div class="ph-group ph-remedies" role="group" aria-label="{wording.REMEDY}" hidden>{buttons}</div>'


def _meters(hits: str) -> str:
    return (
        '<div class="ph-meters">'
        f'<div><span>{escape(hits)}</span><i class="ph-meter"><b data-meter="rate"></b></i>'
        '<output data-out="rate"></output></div>'
        f'<div><span title="{escape(wording.PROJECTION_HINT)}">{wording.PROJECTION}</span>'
        '<i class="ph-meter"><b data-meter="mean"></b></i><output data-out="mean"></output></div>'
        "</div>"
    )


def _column(kind: str) -> str:
    name, style = wording.SCRUB_COLUMNS[kind]
    return (
        f'<div class="ph-scrub-column {style}" data-column="{kind}"><h3>{escape(name)}</h3>'
        '<div class="ph-scrub-text"></div>'
        f'<svg class="ph-bars" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(wording.BARS_LABEL)}"></svg><footer></footer></div>'
    )


def _table(found: Mapping[str, Any]) -> str:
    rows: list[list[Cell]] = [
        [
            wording.SERIES_NAMES.get(kind, kind),
            str(cell["at"]) if isinstance(cell["at"], str) else f"{cell['at']:.2f}",
            rate_cell(cell["insulting"]),
            "–" if cell["projection"] is None else number(cell["projection"]),
        ]
        for kind, cells in found["series"].items()
        for cell in cells
    ]
    return table("phoque-scrubber", "Scrubber", wording.SCRUBBER_HEAD, rows)
