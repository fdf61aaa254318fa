"""The map of messages: a script draws it, and all layers are on the page."""

from html import escape

from phoque.figures.figure import Figure
from phoque.run.folder import Reader
from phoque.run.psm import Selection
from phoque.run.psm_vector import Geometry
from phoque.ui.parts import embedded

HINT = (
    "Two principal components a layer, turned to follow the layer before; positions compare within "
    "a layer only."
)


def message_map(reader: Reader, _figure: Figure) -> str:
    """Messages of one layer in two dimensions, with a slider over layers."""
    found, layer = reader.read(Geometry).map, reader.read(Selection).choice.layer
    legend = "".join(
        f'<li class="ph-dot-{place}">{escape(name)}</li>' for place, name in enumerate(found.groups)
    )
    return (
        f'<div class="ph-map" data-draw="map">{embedded(found.model_dump())}'
        f'<ul class="ph-map-legend">{legend}</ul>'
        '<svg viewBox="-2.6 -1.7 5.2 3.4" role="img" '
        'aria-label="Messages of one layer in two dimensions"></svg>'
        '<div class="ph-map-bar"><button type="button" class="ph-play">▶ Play</button>'
        f'<label>Layer <input type="range" min="0" max="{len(found.points) - 1}" step="1" '
        f'value="{layer}"></label><output></output></div><p class="ph-hint">{escape(HINT)}</p></div>'
    )
