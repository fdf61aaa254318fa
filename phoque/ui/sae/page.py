"""All sections of the tab in order: whether to trust it comes before what it says."""

from phoque.ui.sae import card, cause, latents, prompts
from phoque.ui.sae.data import SaeFolder
from phoque.ui.sections import Draw, Rendered, Section, rendered

SECTIONS: tuple[tuple[Section, Draw], ...] = (
    (card.SECTION, card.draw),
    (latents.SECTION, latents.draw),
    (cause.SECTION, cause.draw),
    (prompts.SECTION, prompts.draw),
)


def drawn_sections(folder: SaeFolder) -> tuple[Rendered, ...]:
    """Every section in the order of `SECTIONS`."""
    return rendered(SECTIONS, folder)
