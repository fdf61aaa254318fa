"""Pieces of the page as HTML strings. Everything from a model or a visitor is escaped here."""

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from phoque.conversation import Condition, LabInfo
from phoque.lexicon import Lexicon
from phoque.ui import wording
from phoque.ui.state import Turn
from phoque.ui.verdicts import Rules, verdicts_html

HALF_SHOWN = 0.005
"""Half of what the page shows of a dose: smaller differences are not told."""
LETTER = re.compile(r"\S")
SEAL_FILE = Path(__file__).parent / "assets" / "seal.svg"
SEAL = SEAL_FILE.read_text(encoding="utf-8")
"""The seal looks at a visitor with the signs of the three conditions."""


def header_html(status: str, tone: str) -> str:
    """Title, one sentence, and the state of the model; `tone` is ready, busy or failed."""
    return (
        f'<header class="ph-header">{SEAL}<div>'
        f"<h1>{escape(wording.TITLE)}</h1><p>{escape(wording.TAGLINE)}</p></div>"
        f'<p class="ph-chip ph-{escape(tone)}" role="status">{escape(status)}</p></header>'
    )


def personas_html(personas: Sequence[str]) -> str:
    """A switch between panels, one a persona; the first is shown."""
    buttons = "".join(
        f'<button type="button" data-panel="{number}" data-persona="{escape(one)}" '
        f'aria-pressed="{"false" if number else "true"}">{escape(wording.titled(one))}</button>'
        for number, one in enumerate(personas)
    )
    return _choice("ph-personas", wording.PERSONA_CHOICE, buttons)


def column_choice_html(conditions: Sequence[Condition], persona: str) -> str:
    """Which column is shown where there is room for one only."""
    buttons = "".join(
        f'<button type="button" data-col="{one.value}" class="ph-{one.value}" '
        f'aria-pressed="{"true" if one == Condition.STEERED else "false"}">'
        f'<span aria-hidden="true">{column.icon}</span> {escape(column.name)}</button>'
        for one in conditions
        for column in [wording.column(one, persona)]
    )
    return _choice("ph-choose", wording.COLUMN_CHOICE, buttons)


def _choice(name: str, label: str, buttons: str) -> str:
    return f'<div class="{name}" role="group" aria-label="{escape(label)}">{buttons}</div>'


def note_html(text: str) -> str:
    """A note that must be read before the first result."""
    return f'<p class="ph-note" role="note">{escape(text)}</p>'


def live_html(hint: str) -> str:
    """The head of a drawer that works live: what it is for."""
    return (
        '<section class="ph-section-head"><div class="ph-section-title">'
        f'<span class="ph-runchip">{escape(wording.LIVE)}</span></div>'
        f'<p class="ph-hint">{escape(hint)}</p></section>'
    )


def head_html(condition: Condition, system_prompt: str, persona: str = "toxic") -> str:
    """Name, meaning and system prompt of a column."""
    column = wording.column(condition, persona)
    return (
        f'<div class="ph-head ph-{condition.value}">'
        f'<button type="button" class="ph-copy" aria-label="Copy column {escape(column.name)}">'
        f"{escape(wording.COPY)}</button>"
        f'<h2><span aria-hidden="true">{column.icon}</span> {escape(column.name)}</h2>'
        f"<p>{escape(column.description)}</p>"
        f"<details><summary>System prompt</summary><p>{escape(system_prompt)}</p></details></div>"
    )


def transcript_html(
    condition: Condition,
    turns: Sequence[Turn],
    lexicon: Lexicon,
    *,
    persona: str = "toxic",
    rules: Rules | None = None,
) -> str:
    """One column's conversation as a log; where there are rules, with what was found in replies."""
    name = escape(wording.column(condition, persona).name)
    body = "".join(_turn_html(turn, lexicon, rules, persona) for turn in turns)
    empty = f'<p class="ph-empty">{escape(wording.EMPTY_COLUMN)}</p>'
    writing = "true" if turns and not turns[-1].finish else "false"
    unsettled = " ph-open" if turns and not turns[-1].settled else ""
    return (
        f'<div class="ph-log ph-{condition.value}{unsettled}" role="log" aria-live="polite" tabindex="0" '
        f'aria-busy="{writing}" aria-label="{name} conversation"><div>{body or empty}</div></div>'
    )


def _turn_html(turn: Turn, lexicon: Lexicon, rules: Rules | None, persona: str) -> str:
    return (
        f'<div class="ph-you"><span class="ph-sr">You: </span>{escape(turn.prompt)}</div>'
        f'<div class="ph-reply">'
        f"{hidden(marked(turn.reply, lexicon), masked(turn.reply), wording.HIDDEN_REPLY)}"
        f"<footer>{_facts(turn, lexicon, persona)}</footer>{_checks(turn, rules)}</div>"
    )


def hidden(text: str, mask: str, note: str = wording.HIDDEN_TEXT) -> str:
    """Text that is masked until revealed, and its mask; both are HTML."""
    return (
        f'<div class="ph-real">{text}</div><div class="ph-mask" aria-hidden="true">{mask}</div>'
        f'<span class="ph-sr ph-hidden-note">{escape(note)}</span>'
    )


def _checks(turn: Turn, rules: Rules | None) -> str:
    if rules is None or not turn.finish:
        return ""
    if turn.found is None:
        return f'<p class="ph-hint">{escape(wording.CHECKING)}</p>'
    shown = verdicts_html(rules.verdicts(turn.found))
    return shown + f'<p class="ph-hint">{escape(wording.JUDGING)}</p>' * turn.judging


def _facts(turn: Turn, lexicon: Lexicon, persona: str) -> str:
    found = lexicon.count(turn.reply)
    parts = [counted(turn.num_tokens, "token"), wording.FINISHES[turn.finish]]
    if found:
        listed = escape(wording.listed(found, persona))
        parts.append(
            f'<strong class="ph-badge" title="{escape(wording.PERSONA_LIST)}">{listed}</strong>'
        )
    return " · ".join(parts)


def counted(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def marked(text: str, lexicon: Lexicon) -> str:
    """Escaped text with the lexicon's words in `<mark>`."""
    return "".join(
        f"<mark>{escape(piece)}</mark>" if listed else escape(piece)
        for piece, listed in pieces(text, lexicon)
    )


def pieces(text: str, lexicon: Lexicon) -> list[tuple[str, bool]]:
    """The text in pieces, and whether each is a word of the lexicon."""
    found, end = [], 0
    for start, stop in lexicon.spans(text):
        found += [(text[end:start], False), (text[start:stop], True)]
        end = stop
    return [one for one in [*found, (text[end:], False)] if one[0]]


def masked(text: str) -> str:
    """The shape of a text without its letters."""
    return LETTER.sub("•", text)


def dose_html(info: LabInfo, scale: float, layer: int) -> str:
    """What the scale means at this layer, and where text stays coherent, in words and drawn."""
    dose = scale * info.dose_per_scale[layer]
    words = f"Scale {scale:.2f} at layer {layer} = relative dose {dose:.2f} (length added ÷ length of the model's own state)."
    if layer != info.layer:
        return _dose_line(f"{words} {_elsewhere(info, dose, layer)}", "")
    return _dose_line(f"{words} {_verdict(info, scale)}", _track(info, scale))


def _elsewhere(info: LabInfo, dose: float, layer: int) -> str:
    """The scale stays when the layer changes, and the dose does not: say so, and which scale keeps it."""
    own = info.dose_per_scale
    selected, limit = (one * own[info.layer] for one in (info.scale, info.coherent_scale))
    far = (
        f"This is more than the largest dose at which text held at layer {info.layer} ({limit:.2f}): expect damage. "
        if dose > limit + HALF_SHOWN
        else ""
    )
    return (
        f"The same scale is another dose at each layer. {far}Scale {selected / own[layer]:.2f} gives the selected dose "
        f"({selected:.2f}) here. Where text holds was measured at layer {info.layer} only."
    )


def _verdict(info: LabInfo, scale: float) -> str:
    """Two decimals are what the slider shows, so two decimals decide."""
    limit = round(info.coherent_scale, 2)
    if scale < 0:
        return (
            "Negative: away from the persona. A recorded reply of a negative scale is that of scale 0; ask live for "
            "this one."
        )
    if round(scale, 2) <= limit:
        return f"Text holds up to {limit:.2f}."
    return f"Beyond {limit:.2f} text broke or was not measured: expect damage, not more persona."


def _dose_line(words: str, track: str) -> str:
    return f'<div class="ph-dose" aria-live="polite">{track}<p>{escape(words)}</p></div>'


def _track(info: LabInfo, scale: float) -> str:
    low, high = info.scale_range
    width = high - low

    def share(value: float) -> float:
        return 100 * (min(max(value, low), high) - low) / width

    band = share(info.coherent_scale) - share(0)
    return (
        '<div class="ph-track" aria-hidden="true">'
        f'<i class="ph-band" style="left:{share(0):.1f}%;width:{band:.1f}%"></i>'
        f'<i class="ph-zero" style="left:{share(0):.1f}%"></i>'
        f'<i class="ph-thumb" style="left:{share(scale):.1f}%"></i></div>'
    )


def status_html(text: str, *, failed: bool = False) -> str:
    """The line below the buttons."""
    tone = "ph-status ph-error" if failed else "ph-status"
    role = "alert" if failed else "status"
    return f'<p class="{tone}" role="{role}">{escape(text)}</p>'


def source_html(info: LabInfo) -> str:
    """Where the numbers on the page come from."""
    facts = f"Model {info.model} · run {info.run} · {info.num_layers} layers"
    return f'<p class="ph-source">{escape(facts)}</p>'
