"""Small pictures of a latent: rows of bars with their numbers in words, and tokens shaded by activation."""

from collections.abc import Sequence
from html import escape

from phoque.run.sae_evidence import Context, Dose, Histogram
from phoque.ui.components import hidden, masked

Bar = tuple[float, str]
"""Its height, and which kind it is."""


def dose_bars(dose: Dose) -> str:
    """Mean activation at every scale of the adapter."""
    said = [f"scale {x:g}: {y:.2f}" for x, y in zip(dose.scales, dose.means, strict=True)]
    bars = [((mean, "ph-after"),) for mean in dose.means]
    return _bars(f"Mean activation by scale: {', '.join(said)}", bars, said)


def histogram_bars(counts: Histogram) -> str:
    """Counts of activations, hatched before and filled after."""
    pairs = list(zip(counts.base, counts.persona, strict=True))
    said = [
        f"{low:.1f} to {high:.1f}: base {before}, tuned {after}"
        for low, high, (before, after) in zip(counts.edges, counts.edges[1:], pairs, strict=False)
    ]
    told = f"Tokens on which it is active: base {sum(counts.base)}, tuned {sum(counts.persona)}"
    bars = [((before, "ph-before"), (after, "ph-after")) for before, after in pairs]
    return _bars(f"{told}. Right end: {counts.edges[-1]:.1f}", bars, said)


def _bars(label: str, groups: Sequence[tuple[Bar, ...]], said: Sequence[str]) -> str:
    largest = max((height for group in groups for height, _ in group), default=0) or 1
    drawn = "".join(
        f'<span title="{escape(text)}">'
        + "".join(
            f'<i class="{kind}" style="--h:{100 * h / largest:.0f}%"></i>' for h, kind in group
        )
        + "</span>"
        for group, text in zip(groups, said, strict=True)
    )
    return (
        f'<div class="ph-shape" role="img" aria-label="{escape(label)}">{drawn}</div>'
        f"<small>{escape(label)}</small>"
    )


def context_html(one: Context, largest: float) -> str:
    """Tokens around a peak, each shaded by how active the latent is on it; masked until revealed."""
    pairs = list(zip(one.tokens, one.activations, one.roles, strict=True))
    real = "".join(_span(token, value, role, largest) for token, value, role in pairs)
    mask = "".join(_span(masked(token), value, role, largest) for token, value, role in pairs)
    peak = f"<small>{escape(one.source)} · peak {max(one.activations):.2f}</small>"
    return f"<li>{hidden(real, mask)}{peak}</li>"


def _span(token: str, value: float, role: str, largest: float) -> str:
    heat = 60 * value / largest
    return (
        f'<span class="ph-token" style="--heat:{heat:.0f}%" '
        f'title="{value:.2f} · {escape(role)}">{escape(token)}</span>'
    )
