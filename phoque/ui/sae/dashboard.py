"""Everything that is known of one latent, as HTML. All text is escaped here."""

from collections.abc import Mapping, Sequence
from html import escape

from phoque.errors import PhoqueError
from phoque.figures.table import NOTHING, Column, Ends, Table, held, interval, share
from phoque.run.folder import Reader
from phoque.run.sae_evidence import Evidence, Near, Steered, Strip
from phoque.run.sae_latents import BADGES, VERDICTS, Feature
from phoque.run.sae_reading import Precision, Reading
from phoque.ui.components import masked
from phoque.ui.parts import cards_html, coded, secret, table_html, visible
from phoque.ui.sae.drawings import context_html, dose_bars, histogram_bars
from phoque.ui.sae.latents import BADGE_HINTS, SHOWN_VERDICTS, known_of
from phoque.ui.wording import HIDDEN_TEXT

NOT_STEERED = "Its direction was only screened; the most promising ones of each side were tried."


def dashboard_html(reader: Reader, latent: str) -> str:
    """One latent's evidence.

    Raises:
        PhoqueError: the run has none of it.
    """
    known = known_of(reader)
    own, row = known.evidence.get(latent), known.features.get(latent)
    if own is None:
        raise PhoqueError(f"There is no evidence of latent {latent}. Press one in the tables.")
    parts = [_head(latent, row), _reading(own.reading), _lens(own), _steering(own)]
    if row:
        parts += [_shapes(own), _strips(own.strips), _contexts(own), _nearest(own, known.evidence)]
    return f'<article class="ph-dashboard">{"".join(parts)}</article>'


def _head(latent: str, row: Feature | None) -> str:
    if row is None:
        return "<h3>R: the part of the change that no latent expresses</h3>"
    name = SHOWN_VERDICTS.get(row.verdict, "not significant")
    return (
        f"<h3>Latent {escape(latent)} · {escape(name)}</h3>"
        f'<p class="ph-hint">{escape(VERDICTS.get(row.verdict, ""))}</p>{_badges(row)}'
        f"{_facts(row)}"
    )


def _reading(found: Reading | None) -> str:
    """Its name, how well the name holds, and the words on which it fires."""
    if found is None:
        return ""
    listed = " ".join(f"{one.word} ({one.fired} of {one.of})" for one in found.fires_on)
    rate = found.fired / max(1, found.tokens)
    return (
        f"<h4>In words</h4>{secret(escape(found.name), found.name)}"
        f'<p class="ph-hint">{escape(_held(found.precision))}</p>'
        f"<h4>Words on which it fires beyond its rate of {share(rate)} of {found.tokens:,} tokens</h4>"
        f"{secret(escape(listed), listed)}"
    )


def _held(found: Precision | None) -> str:
    if found is None:
        return "A rule made the name. The texts that test names do not hold what it names."
    covered = NOTHING if found.recall is None else share(found.recall)
    return (
        f"A rule made the name from half of the texts. On the other half the latent fires on {interval(found.rate)} "
        f"of the {found.n} tokens that the name means and on {share(found.base)} of all tokens; the name covers {covered} of "
        "its firings."
    )


def _badges(row: Feature) -> str:
    items = "".join(
        f'<li class="{"ph-held" if badge in row.badges else "ph-missing"}" '
        f'title="{escape(BADGE_HINTS[badge])}">{"✓" if badge in row.badges else "✗"} '
        f"{escape(badge)}</li>"
        for badge in BADGES
    )
    return f'<ul class="ph-badges">{items}</ul>'


def _facts(row: Feature) -> str:
    facts = {
        "change": held(Ends(row.effect, row.low, row.high), "+.2f"),
        "beyond civil adapter": held(Ends(row.did, row.did_low, row.did_high), "+.2f"),
        "on the other half": held(Ends(row.effect_half, row.half_low, row.half_high), "+.2f"),
        "with civil replies": f"{row.effect_calm:+.2f}",
        "active on": f"{share(row.frequency_base)} → {share(row.frequency_tuned)}",
        "tone AUC": NOTHING if row.tone_auc is None else f"{row.tone_auc:.2f}",
        "other seeds": row.stability,
        "kind": row.kind,
    }
    return cards_html(facts)


def _lens(own: Evidence) -> str:
    lists = "".join(
        f'<div class="ph-lens"><b>{sign}</b> {coded(one.token for one in listed)}</div>'
        for sign, listed in (("▲", own.lens.raised), ("▼", own.lens.lowered))
    )
    return f"<h4>Tokens its direction makes likelier and less likely (logit lens)</h4>{lists}"


def _shapes(own: Evidence) -> str:
    drawn = {}
    if own.dose:
        drawn["As the adapter is scaled from 0 to 1"] = dose_bars(own.dose)
    if own.histogram:
        drawn["How strongly it is active: base ▨, tuned ■"] = histogram_bars(own.histogram)
    figures = "".join(
        f"<figure><figcaption>{escape(title)}</figcaption>{picture}</figure>"
        for title, picture in drawn.items()
    )
    return f'<div class="ph-shapes">{figures}</div>'


def _strips(strips: Sequence[Strip]) -> str:
    largest = max((max(*one.base, *one.persona) for one in strips), default=0.0) or 1.0
    return (
        "<h4>The same text in both models</h4>"
        '<p class="ph-hint">Under each token: activation in the base model, then in the tuned one.</p>'
        f"{''.join(_strip(one, largest) for one in strips)}"
    )


def _strip(one: Strip, largest: float) -> str:
    columns = zip(one.tokens, one.roles, one.base, one.persona, strict=True)
    cells = [_column(*column, largest=largest) for column in columns]
    return (
        f'<p class="ph-strip-of">{escape(f"{one.stratum}: {one.prompt}")}</p>'
        f'<div class="ph-strip" tabindex="0">{"".join(cells)}'
        f"<span class='ph-sr ph-hidden-note'>{escape(HIDDEN_TEXT)}</span></div>"
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
        "Where it is strongest": own.top,
        "Across its range, from strong to weak": [one for part in own.quantiles for one in part],
    }
    largest = max((max(one.activations) for one in own.top), default=0.0) or 1.0
    return "".join(
        f"<h4>{escape(title)}</h4><ol class='ph-contexts'>"
        f"{''.join(context_html(one, largest) for one in contexts)}</ol>"
        for title, contexts in parts.items()
        if contexts
    )


def _nearest(own: Evidence, evidence: Mapping[str, Evidence]) -> str:
    def one(near: Near) -> str:
        text = f"{near.latent} ({near.cosine:+.2f})"
        if near.latent not in evidence:
            return escape(text)
        return (
            f'<button type="button" class="ph-latent-open" data-latent="{escape(near.latent)}">'
            f"{escape(text)}</button>"
        )

    listed = " ".join(map(one, own.nearest))
    return f'<h4>Nearest latents</h4><p class="ph-nearest">{listed}</p>'


def _steering(own: Evidence) -> str:
    told = (
        f"Screen: toward the persona it favours the persona's reply by {own.screen.toward:+.3f} nats a "
        f"token, away by {own.screen.away:+.3f}. "
        if own.screen
        else ""
    )
    title = "<h4>What adding its direction does</h4>"
    if not own.steering:
        return f"{title}<p>{told}{escape(NOT_STEERED)}</p>"
    columns: dict[str, Column[Steered]] = {
        "way": "way",
        "dose": ("dose", "{:g}".format),
        "replies that count": "rate",
        "coherent?": "coherent",
    }
    made = Table.of("Steering", own.steering, columns)
    return f"{title}<p>{told}</p>{table_html(made, f'steering-{own.latent}')}"
