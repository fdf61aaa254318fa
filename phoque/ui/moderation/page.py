"""All sections of the tab in order: what moderators see comes before what they flag."""

from phoque.ui.moderation import agreement, battery, contour, flagged, gap, sheets
from phoque.ui.moderation.data import ModerationFolder
from phoque.ui.sections import Draw, Rendered, Section, rendered

SECTIONS: tuple[tuple[Section, Draw], ...] = (
    (sheets.SECTION, sheets.draw),
    (flagged.SECTION, flagged.draw),
    (contour.SECTION, contour.draw),
    (agreement.SECTION, agreement.draw),
    (battery.SECTION, battery.draw),
    (gap.SECTION, gap.draw),
)


def drawn_sections(folder: ModerationFolder) -> tuple[Rendered, ...]:
    """Every section in the order of `SECTIONS`."""
    return rendered(SECTIONS, folder)
