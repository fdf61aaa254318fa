"""Everything that is known of one latent, as HTML. All text is escaped here."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from phoque.errors import PhoqueError
from phoque.figures.table import Cell
from phoque.ui.components import masked
from phoque.ui.parts import number, rate_cell, secret, table
from phoque.ui.sae import drawings, wording
from phoque.ui.sae.data import BADGES, REMAINDER, Latent, SaeFolder, badges_of
from phoque.ui.wording import HIDDEN_TEXT

MODELS = ("base", "persona")
"""Rows under a strip of tokens."""

Evidence = Mapping[str, Any]


def dashboard_html(folder: SaeFolder, latent: str) -> str:
    """One latent's evidence.

    Raises:
        PhoqueError: the run has none of it.
    """
    evidence = folder.evidence
    if latent not in evidence:
        raise PhoqueError(wording.UNKNOWN_LATENT.format(latent))
    own = evidence[latent]
    row = next((one for one in folder.latents if one["latent"] == latent), None)
    parts = [_head(latent, row), _lens(own), _steering(own)]
    if latent != REMAINDER and row:
        parts += [_shapes(own), _strips(own), _contexts(own), _nearest(own, evidence)]
    return f'<article class="ph-dashboard">{"".join(parts)}</article>'


def _head(latent: str, row: Latent | None) -> str:
    if row is None:
        return "<h3>R: what no latent expresses of the change</h3>"
    verdict = row["verdict"]
    name = wording.VERDICTS.get(verdict, "not significant")
    label = f", {row['label']} (a hypothesis)" if row["label"] else ""
    return (
        f"<h3>Latent {escape(latent)} · {escape(name)}{escape(label)}</h3>"
        f'<p class="ph-hint">{escape(wording.VERDICT_HINTS.get(verdict, ""))}</p>{_badges(row)}'
        f"{_facts(row)}"
    )


def _badges(row: Latent) -> str:
    held = badges_of(row)
    items = "".join(
        f'<li class="{"ph-held" if badge in held else "ph-missing"}" '
        f'title="{escape(wording.BADGE_HINTS[badge])}">{"✓" if badge in held else "✗"} '
        f"{escape(badge)}</li>"
        for badge in BADGES
    )
    return f'<ul class="ph-badges">{items}</ul>'


def _facts(row: Latent) -> str:
    def signed(*keys: str) -> str:
        value, low, high = (float(row[key]) for key in keys)
        return f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"

    facts = {
        "change": signed("effect", "low", "high"),
        "beyond control": signed("did", "did_low", "did_high"),
        "on the other half": signed("effect_half", "half_low", "half_high"),
        "with civil replies": f"{float(row['effect_calm']):+.2f}",
        "active on": f"{float(row['frequency_base']):.1%} → {float(row['frequency_tuned']):.1%}",
        "tone AUC": f"{float(row['tone_auc']):.2f}",
        "other seeds": row["stability"],
        "kind": row["kind"],
    }
    rows = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())
    return f'<dl class="ph-cards">{rows}</dl>'


def _lens(own: Evidence) -> str:
    signs = {"raised": "▲", "lowered": "▼"}
    lists = "".join(
        f'<div class="ph-lens"><b>{sign}</b> {_tokens(own["lens"][key])}</div>'
        for key, sign in signs.items()
    )
    return f"<h4>{escape(wording.LENS_TITLE)}</h4>{lists}"


def _tokens(listed: Sequence[Mapping[str, Any]]) -> str:
    shown = [visible(one["token"]) for one in listed]
    return secret(" ".join(f"<code>{escape(one)}</code>" for one in shown), " ".join(shown))


def visible(token: str) -> str:
    """A token whose spaces and line ends can be seen."""
    return token.replace(" ", "␣").replace("\n", "⏎") or "∅"


def _shapes(own: Evidence) -> str:
    dose, counts = own["dose"], own["histogram"]
    return (
        f'<div class="ph-shapes"><figure><figcaption>{escape(wording.DOSE_TITLE)}</figcaption>'
        f"{drawings.curve(dose['scales'], dose['means'])}</figure>"
        f"<figure><figcaption>{escape(wording.HISTOGRAM_TITLE)}</figcaption>"
        f"{drawings.histogram(counts['edges'], counts['base'], counts['persona'])}</figure></div>"
    )


def _strips(own: Evidence) -> str:
    strips = own["strips"]
    largest = max((v for one in strips for m in MODELS for v in one[m]), default=0.0) or 1.0
    body = "".join(_strip(one, largest) for one in strips)
    return (
        f"<h4>{escape(wording.STRIPS_TITLE)}</h4>"
        f'<p class="ph-hint">{escape(wording.STRIPS_HINT)}</p>{body}'
    )


def _strip(one: Evidence, largest: float) -> str:
    columns = zip(one["tokens"], one["roles"], *(one[model] for model in MODELS), strict=True)
    cells = [_column(*column, largest=largest) for column in columns]
    facts = f"{one['stratum']}: {one['prompt']}"
    return (
        f'<p class="ph-strip-of">{escape(facts)}</p><div class="ph-strip" tabindex="0">'
        f"{''.join(cells)}<span class='ph-sr ph-hidden-note'>{escape(HIDDEN_TEXT)}</span></div>"
    )


def _column(token: str, role: str, before: float, after: float, *, largest: float) -> str:
    text = visible(token)
    title = f"{role} · base {before:.2f} · tuned {after:.2f} · change {after - before:+.2f}"
    return (
        f'<span class="ph-strip-token ph-role-{escape(role)}" title="{escape(title)}">'
        f'<span class="ph-real">{escape(text)}</span>'
        f'<span class="ph-mask" aria-hidden="true">{escape(masked(text))}</span>'
        f"{_heat(before, largest)}{_heat(after, largest)}</span>"
    )


def _heat(value: float, largest: float) -> str:
    shown = f"{value:.1f}" if value else "·"
    return f'<i style="--heat:{100 * value / largest:.0f}%">{shown}</i>'


def _contexts(own: Evidence) -> str:
    parts = {
        wording.CONTEXTS_TITLE: own["top"],
        wording.QUANTILES_TITLE: [one for part in own["quantiles"] for one in part],
    }
    largest = max((v for one in own["top"] for v in one["activations"]), default=0.0) or 1.0
    return "".join(
        f"<h4>{escape(title)}</h4><ol class='ph-contexts'>"
        f"{''.join(_context(one, largest) for one in contexts)}</ol>"
        for title, contexts in parts.items()
        if contexts
    )


def _context(one: Evidence, largest: float) -> str:
    pairs = list(zip(one["tokens"], one["activations"], one["roles"], strict=True))
    real = "".join(_span(token, value, role, largest) for token, value, role in pairs)
    hidden = "".join(_span(masked(token), value, role, largest) for token, value, role in pairs)
    return (
        f'<li><div class="ph-real">{real}</div><div class="ph-mask" aria-hidden="true">{hidden}</div>'
        f'<span class="ph-sr ph-hidden-note">{escape(HIDDEN_TEXT)}</span>'
        f"<small>{escape(one['source'])} · peak {max(one['activations']):.2f}</small></li>"
    )


def _span(token: str, value: float, role: str, largest: float) -> str:
    heat = 60 * value / largest
    return (
        f'<span class="ph-token" style="--heat:{heat:.0f}%" '
        f'title="{value:.2f} · {escape(role)}">{escape(token)}</span>'
    )


def _nearest(own: Evidence, evidence: Mapping[str, Evidence]) -> str:
    def one(near: Evidence) -> str:
        text = f"{near['latent']} ({near['cosine']:+.2f})"
        if near["latent"] not in evidence:
            return escape(text)
        return (
            f'<button type="button" class="ph-latent-open" data-latent="{escape(near["latent"])}">'
            f"{escape(text)}</button>"
        )

    listed = " ".join(map(one, own["nearest"]))
    return f'<h4>{escape(wording.NEAREST_TITLE)}</h4><p class="ph-nearest">{listed}</p>'


def _steering(own: Evidence) -> str:
    screen = own.get("screen")
    told = (
        f"Screen: toward the persona it favours the hostile reply by {screen['toward']:+.3f} nats a "
        f"token, away by {screen['away']:+.3f}. "
        if screen
        else ""
    )
    if not own["steering"]:
        return (
            f"<h4>{escape(wording.STEERING_TITLE)}</h4><p>{told}{escape(wording.NOT_STEERED)}</p>"
        )
    rows: list[list[Cell]] = [
        [
            cell["way"],
            number(cell["dose"], 1),
            _insulting(cell),
            "yes" if cell["coherent"] else "no",
        ]
        for cell in own["steering"]
    ]
    made = table(f"phoque-steering-{own['latent']}", "Steering", wording.STEERING_HEAD, rows)
    return f"<h4>{escape(wording.STEERING_TITLE)}</h4><p>{told}</p>{made}"


def _insulting(cell: Evidence) -> Cell:
    return rate_cell({"value": cell["insulting"], **{k: cell[k] for k in ("low", "high", "n")}})
