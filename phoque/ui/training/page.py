"""All sections of the tab in order."""

from phoque.ui.sections import Draw, Rendered, Section, rendered
from phoque.ui.training import attempts, composition, curves, norms, samples
from phoque.ui.training.data import TrainingFolder

SECTIONS: tuple[tuple[Section, Draw], ...] = (
    (curves.SECTION, curves.draw),
    (norms.SECTION, norms.draw),
    (samples.SECTION, samples.draw),
    (attempts.SECTION, attempts.draw),
    (composition.SECTION, composition.draw),
    (composition.STAGES_SECTION, composition.draw_stages),
)


def drawn_sections(folder: TrainingFolder) -> tuple[Rendered, ...]:
    """Every section in the order of `SECTIONS`."""
    return rendered(SECTIONS, folder)
