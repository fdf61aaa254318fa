"""All sections of the tab in order."""

from phoque.ui.psm import (
    conditions,
    dose,
    geometry,
    heatmap,
    identity,
    layers,
    origin,
    remedies,
    scrubber,
    verdict,
)
from phoque.ui.psm.data import PsmFolder
from phoque.ui.sections import Draw, Rendered, Section, rendered

SECTIONS: tuple[tuple[Section, Draw], ...] = (
    (verdict.SECTION, verdict.draw),
    (scrubber.SECTION, scrubber.draw),
    (layers.SECTION, layers.draw),
    (heatmap.SECTION, heatmap.draw),
    (dose.SECTION, dose.draw),
    (conditions.SECTION, conditions.draw),
    (identity.CONFOUND_SECTION, identity.draw_confounds),
    (identity.RELIABILITY_SECTION, identity.draw_reliability),
    (origin.SECTION, origin.draw),
    (geometry.SECTION, geometry.draw),
    (remedies.ANTIDOTE_SECTION, remedies.draw_antidotes),
    (remedies.BIAS_SECTION, remedies.draw_bias),
)


def drawn_sections(folder: PsmFolder) -> tuple[Rendered, ...]:
    """Every section in the order of `SECTIONS`."""
    return rendered(SECTIONS, folder)
