"""The figures of the tab, and what the page adds to some of them."""

from phoque.figures import shelf
from phoque.figures.figure import Figure
from phoque.run.folder import Reader
from phoque.run.sae import SaeReport
from phoque.ui.parts import cards_html
from phoque.ui.results import sections
from phoque.ui.sae.cards import latent_cards
from phoque.ui.sae.latents import latent_browser


def cards(reader: Reader, _figure: Figure) -> str:
    """How large the dictionary is and what it read."""
    report = reader.read(SaeReport)
    preset = report.preset
    facts = {
        "Layer": str(report.layer),
        "Latents": f"{preset.d_sae:,}",
        "Latents a token (L0)": str(preset.k),
        "Training tokens": f"{preset.tokens:,}",
        "Seeds": ", ".join(map(str, preset.seeds)),
    }
    return cards_html(facts)


SECTIONS = sections(
    shelf.WHAT_MOVED,
    hero=["sae_shifts"],
    above={"gates": cards},
    below={"sae_shifts": latent_cards, "latents": latent_browser},
)
