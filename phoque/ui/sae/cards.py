"""The latents that say most, as cards: a name, what each promotes, where it fires, one context."""

from collections.abc import Sequence
from html import escape

from phoque.figures.figure import Figure
from phoque.figures.table import number
from phoque.run.folder import Reader
from phoque.run.sae_evidence import Context, Evidence
from phoque.run.sae_latents import VERDICTS, Feature
from phoque.ui.parts import REVEAL, coded, secret
from phoque.ui.sae.drawings import context_html
from phoque.ui.sae.latents import SHOWN_VERDICTS, known_of

A_SIDE = 2
WORDS = 5
MORE = "All its evidence"


def latent_cards(reader: Reader, _figure: Figure) -> str:
    """Two latents that rose and two that fell: causes first, then the largest changes."""
    known = known_of(reader)
    rose = [one for one in known.features.values() if one.effect > 0]
    fell = [one for one in known.features.values() if one.effect <= 0]
    shown = [*sorted(rose, key=_weight)[:A_SIDE], *sorted(fell, key=_weight)[:A_SIDE]]
    cards = "".join(_card(one, known.evidence[str(one.latent)]) for one in shown)
    if not cards:
        return ""
    return f'<div class="ph-gap-bar">{REVEAL}</div><div class="ph-latent-cards">{cards}</div>'


def _weight(one: Feature) -> tuple[int, float]:
    order = [*VERDICTS]
    return order.index(one.verdict) if one.verdict in order else len(order), -abs(one.effect)


def _card(one: Feature, seen: Evidence) -> str:
    moved = f"{'▲ rose' if one.effect > 0 else '▼ fell'} by {number(abs(one.effect)).shown}"
    verdict = SHOWN_VERDICTS.get(one.verdict, "not significant")
    promoted = coded(one.token for one in seen.lens.raised[:WORDS])
    facts = {"Promotes": promoted, "Fires on": _words(seen)}
    listed = "".join(f"<dt>{name}</dt><dd>{fact}</dd>" for name, fact in facts.items() if fact)
    return (
        f'<article class="ph-latent-card"><h3>{_title(one)}</h3>'
        f'<p><b title="{escape(VERDICTS.get(one.verdict, ""))}">{escape(verdict)}</b> · {moved}</p>'
        f"<dl>{listed}</dl>{_strongest(seen.top)}"
        f'<a class="ph-latent-open" href="?tab=sae&amp;figure=latents" data-tab="sae" '
        f'data-figure="latents" data-latent="{one.latent}" '
        f'aria-label="Latent {one.latent}: {MORE.lower()}">{MORE}</a></article>'
    )


def _title(one: Feature) -> str:
    weak = f"; {escape(one.weakness)}" if one.weakness else ""
    return f"{secret(escape(one.name), one.name)}<small>Latent {one.latent}{weak}</small>"


def _words(seen: Evidence) -> str:
    told = ", ".join(one.word for one in seen.reading.fires_on[:WORDS]) if seen.reading else ""
    return secret(escape(told), told) if told else ""


def _strongest(contexts: Sequence[Context]) -> str:
    if not contexts:
        return ""
    largest = max(contexts[0].activations, default=0.0) or 1.0
    return f'<ol class="ph-contexts">{context_html(contexts[0], largest)}</ol>'
