"""Tokens as the tab shows them: spaces visible, shaded by activation, masked until revealed."""

from html import escape

from phoque.run.sae_evidence import Context
from phoque.ui.components import hidden, masked


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
