"""The scale scrubber: shipped replies at every scale. The script switches between them."""

from html import escape

import numpy as np

from phoque.figures.figure import Figure
from phoque.figures.table import interval
from phoque.figures.trait import replies
from phoque.run.folder import Reader
from phoque.run.psm import Selection
from phoque.run.psm_replies import Scrubber, ScrubberCell
from phoque.ui.parts import REVEAL, choices, embedded, group

SLIDING = {
    "vector": ("◆ Persona vector", "Neutral prompt + scale × vector"),
    "random_vector": ("◇ Random vector", "Neutral prompt + a random vector of the same length"),
    "reversed": ("▽ Reversed", "Persona's prompt − scale × vector"),
}
"""Series with a cell a scale: name and hint."""
SERIES = SLIDING | {
    "antidote": ("✚ Antidote", "Persona's prompt with one of five remedies at the selected layer"),
}
REMEDIES = {
    "reverse": "subtract the vector at the selected scale",
    "ablate": "hold the state at its calm mean along the vector, at one layer",
    "ablate from this layer on": "the same at every layer from here",
    "cap": "cut only what lies above the calm range, at one layer",
    "cap from this layer on": "the same at every layer from here",
}
COLUMNS = {
    "neutral": ("○ Neutral, for reference", "ph-neutral"),
    "main": ("◆ Persona vector", "ph-steered"),
    "toxic": ("▲ Persona's prompt, for reference", "ph-toxic"),
}
PROJECTION_HINT = (
    "Mean over the tokens of all example replies, in lengths of the vector; 0 is neutral."
)
TOKEN_HINT = "Point at a token, or focus a reply and use the arrow keys, to read its numbers."
BARS_LABEL = "Projection of each token, as bars; the line is one length of the vector"
METERS = (
    '<div class="ph-meters">'
    '<div><span>{counted}</span><i class="ph-meter"><b data-meter="rate"></b></i>'
    '<output data-out="rate"></output></div>'
    f'<div><span title="{escape(PROJECTION_HINT)}">mean projection</span>'
    '<i class="ph-meter"><b data-meter="mean"></b></i><output data-out="mean"></output></div>'
    "</div>"
)


def scrubber_html(reader: Reader, _figure: Figure) -> str:
    """Controls, empty columns and the replies as data."""
    found, limit = reader.read(Scrubber), reader.read(Selection).coherent_scale
    return (
        f'<div class="ph-scrub" data-draw="scrubber">{embedded(_compact(found, limit))}'
        f"{_presets(found)}"
        f'<div class="ph-scrub-row">{_series()}{REVEAL}</div>'
        f"{_slider(found, limit)}{_remedies(found)}"
        f'<p class="ph-scrub-words" aria-live="polite"></p>{METERS.format(counted=replies(found.counted))}'
        f'<div class="ph-scrub-columns">{"".join(map(_column, COLUMNS))}'
        f'</div><p class="ph-scrub-token" aria-live="polite">{TOKEN_HINT}</p></div>'
    )


def _compact(found: Scrubber, limit: float) -> dict[str, object]:
    """What the script needs, without what it can add up itself."""
    return {
        "scale": found.scale,
        "coherent": limit,
        "nat": found.nat_scale,
        "dose": found.dose_per_scale,
        "scales": found.scales,
        "prompts": [preset.prompt for preset in found.presets],
        "reach": reach(found, limit),
        "series": {
            kind: [_compact_cell(cell) for cell in cells] for kind, cells in found.series.items()
        },
    }


def _compact_cell(cell: ScrubberCell) -> dict[str, object]:
    """One place of the slider; of each reply, how many listed words it has, and its tokens."""
    rate = cell.insulting
    return {
        "at": cell.at,
        "rate": [rate.value, rate.low, rate.high, rate.n],
        "mean": cell.projection,
        "replies": [(reply.hits, reply.tokens) for reply in cell.replies],
    }


def reach(found: Scrubber, limit: float) -> float:
    """Where the colour is full: the largest mean projection up to the last coherent scale."""
    inside: list[float] = [
        abs(cell.projection)
        for kind, cells in found.series.items()
        for cell in cells
        if cell.projection is not None and (kind not in SLIDING or abs(float(cell.at)) <= limit)
    ]
    return max([1.0, *inside])


def _presets(found: Scrubber) -> str:
    names = {str(place): one.label for place, one in enumerate(found.presets)}
    hints = {str(place): one.prompt for place, one in enumerate(found.presets)}
    buttons = choices("preset", names, hints)
    return f'{group("Prompt", buttons, " ph-pills")}<p class="ph-scrub-prompt"></p>'


def _series() -> str:
    names, hints = ({kind: own[place] for kind, own in SERIES.items()} for place in (0, 1))
    return group("What is added", choices("series", names, hints))


def _slider(found: Scrubber, limit: float) -> str:
    last = len(found.scales) - 1
    start = min(range(last + 1), key=lambda place: abs(found.scales[place] - found.scale))
    ticks = "".join(
        f'<span style="left:{100 * place / max(1, last):.2f}%">{scale:g}</span>'
        for place, scale in enumerate(found.scales)
    )
    return (
        f'<div class="ph-scrub-slide"><label for="ph-scrub-range">Scale</label>'
        f'<div class="ph-scrub-track"><div class="ph-scrub-zones" aria-hidden="true">'
        f'{_zones(found, limit, last)}</div><input id="ph-scrub-range" type="range" min="0" max="{last}" '
        f'step="1" value="{start}"><div class="ph-scrub-ticks" aria-hidden="true">{ticks}</div>'
        "</div></div>"
    )


def _zones(found: Scrubber, limit: float, last: int) -> str:
    steps = range(last + 1)  # not evenly far apart on the scale
    end = np.interp(limit, found.scales, steps) / max(1, last)
    zone = (
        f'<i class="ph-collapse" style="left:{100 * end:.2f}%"><b>collapse zone</b></i>'
        if end < 1
        else ""
    )
    nat = found.nat_scale
    if nat is None or nat > found.scales[-1]:
        return zone
    place = 100 * np.interp(nat, found.scales, steps) / max(1, last)
    return f'{zone}<i class="ph-nat" style="left:{place:.2f}%"><b>1 nat</b></i>'


def _remedies(found: Scrubber) -> str:
    buttons = "".join(
        f'<button type="button" data-remedy="{place}" aria-pressed="{str(place == 0).lower()}">'
        f"<b>{escape(str(cell.at))}</b><span>{interval(cell.insulting)}</span>"
        f"<small>{escape(REMEDIES.get(str(cell.at), ''))}</small></button>"
        for place, cell in enumerate(found.series["antidote"])
    )
    return f'<div class="ph-group ph-remedies" role="group" aria-label="Antidote" hidden>{buttons}</div>'


def _column(kind: str) -> str:
    name, style = COLUMNS[kind]
    return (
        f'<div class="ph-scrub-column {style}" data-column="{kind}"><h3>{escape(name)}</h3>'
        '<div class="ph-scrub-text"></div>'
        f'<svg class="ph-bars" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(BARS_LABEL)}"></svg><footer></footer></div>'
    )
