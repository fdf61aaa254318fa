"""All sections of the tab in order: whether to trust it comes before what it says."""

from functools import lru_cache

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
    """Every section in the order of `SECTIONS`; drawn again when a file changes."""
    return _drawn(folder, folder.stamp)


@lru_cache(maxsize=2)
def _drawn(folder: SaeFolder, _stamp: object) -> tuple[Rendered, ...]:
    return rendered(SECTIONS, folder)
