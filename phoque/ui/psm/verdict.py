"""The first thing to read: is there a cause, where, and how strong."""

from collections.abc import Mapping
from html import escape
from typing import Any

from phoque.run.directory import SELECTION
from phoque.ui.parts import interval, share
from phoque.ui.psm import wording
from phoque.ui.psm.data import CONDITIONS, RELIABILITY, PsmFolder, choice
from phoque.ui.sections import Drawn, Section

SECTION = Section(
    key="verdict",
    title="Does one direction carry the persona?",
    hint=wording.VERDICT_HINT,
    files=(SELECTION, RELIABILITY, CONDITIONS),
)


def draw(folder: PsmFolder) -> Drawn:
    """Verdict and the numbers that the rest of the page uses."""
    chosen, beyond = choice(folder)
    found = folder.read(SELECTION)
    return Drawn(
        reading=verdict(folder, found, chosen, beyond=beyond),
        above=_cards(chosen, _agreement(folder, chosen["layer"])),
        n=f"{found['neutral']['n']} sweep prompts a cell, {len(found['cells'])} cells",
    )


def verdict(
    folder: PsmFolder, found: Mapping[str, Any], chosen: Mapping[str, Any], *, beyond: bool
) -> str:
    """One honest sentence."""
    hits = wording.hits(folder.persona)
    if not beyond:
        return (
            f"No: no layer and dose gave more {hits} than random vectors could (chance "
            f"{chosen['chance']:.2g} after correction for all cells), so what follows uses a "
            f"default, layer {chosen['layer']} at scale {chosen['scale']:.2f}, and shows no cause."
        )
    steered = _steered(folder, found, chosen)
    return (
        f"Yes, at layer {chosen['layer']}: adding the vector at scale {chosen['scale']:.2f} takes "
        f"{hits} from {steered[0]} to {steered[1]} ({steered[2]}); random vectors would do as well "
        f"with probability {chosen['chance']:.2g}, corrected for all cells."
    )


def _steered(
    folder: PsmFolder, found: Mapping[str, Any], chosen: Mapping[str, Any]
) -> tuple[str, str, str]:
    """Without and with the vector: from the evaluation if it is there, else from the sweep."""
    if folder.has(CONDITIONS):
        own = folder.read(CONDITIONS)["conditions"]
        plain, steered = own["neutral_system"], own["neutral_plus_vector"]
        counted = f"evaluation prompts, n = {steered['insulting']['n']}"
        return share(plain["insulting"]["value"]), interval(steered["insulting"]), counted
    cell = nearest(found["cells"], chosen)["quality"]
    rate = {**cell, "value": cell["insulting"]}
    return share(found["neutral"]["insulting"]), interval(rate), f"sweep prompts, n = {cell['n']}"


def nearest(cells: list[dict[str, Any]], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The cell of the sweep that the choice was rounded from."""
    own = [cell for cell in cells if cell["layer"] == chosen["layer"]]
    return min(own, key=lambda cell: abs(cell["dose"] - chosen["relative_dose"]))


def _agreement(folder: PsmFolder, layer: int) -> str:
    if not folder.has(RELIABILITY):
        return "–"
    return str(folder.read(RELIABILITY)["layers"][layer]["verdict"])


def _cards(chosen: Mapping[str, Any], agreement: str) -> str:
    nat = chosen["nat_scale"]
    facts = {
        wording.LAYER: str(chosen["layer"]),
        wording.SCALE: f"{chosen['scale']:.2f}",
        wording.DOSE: f"{chosen['relative_dose']:.2f}",
        wording.COHERENT: f"scale {chosen['coherent_scale']:.2f}",
        wording.NAT: "not reached" if nat is None else f"scale {nat:.2f}",
        wording.PROBES: agreement,
    }
    cards = "".join(
        f'<div title="{escape(name.partition("|")[2])}"><dt>{escape(name.partition("|")[0])}</dt>'
        f"<dd>{escape(value)}</dd></div>"
        for name, value in facts.items()
    )
    return f'<dl class="ph-cards">{cards}</dl>'
