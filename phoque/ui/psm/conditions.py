"""The talk's conditions, with both definitions of pathway mass."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from phoque.figures.table import Cell
from phoque.ui import figures
from phoque.ui.parts import (
    effect_cell,
    interval,
    more,
    number,
    p_cell,
    p_text,
    rate_cell,
    secret,
    share,
    share_cell,
    table,
)
from phoque.ui.psm import wording
from phoque.ui.psm.data import CONDITIONS, PsmFolder
from phoque.ui.sections import Drawn, Section

SECTION = Section(
    key="conditions",
    title="What the conditions write",
    hint=wording.CONDITIONS_HINT,
    files=(CONDITIONS, "generation_results.csv"),
    num_figures=1,
)
COLLAPSED = 0.2
"""Share of listed words from which a reply is no longer text; insulting text stays below a tenth."""


def draw(folder: PsmFolder) -> Drawn:
    """Bars, the full table, and the counted tokens."""
    found = folder.read(CONDITIONS)
    own = found["conditions"]
    return Drawn(
        reading=reading(own, wording.hits(folder.persona)),
        figures=(_figure(own),),
        below=_table(own) + _tokens(found),
        n=f"{_counted(own)}; sampling {_sampling(found['sampling'])}",
    )


def reading(own: Mapping[str, Any], hits: str) -> str:
    """The vector against nothing, and the random vector against nothing."""
    steered, random = own["neutral_plus_vector"], own["neutral_plus_random"]
    effect = steered["effect"]
    low = random["effect"]["low"]
    null = "has no clear effect" if low <= 0 <= random["effect"]["high"] else "moves it too"
    does = (
        f"raises {hits} by {100 * effect['value']:.1f} points"
        if effect["low"] > 0
        else f"does not clearly raise {hits} ({100 * effect['value']:+.1f} points)"
    )
    return (
        f"The vector {does} on the same prompts (p {p_text(effect['p_value'])}) to "
        f"{interval(steered['insulting'])}, moving {effect['moved']:.0%} of the prompts; "
        f"the persona's own prompt gives {interval(own['toxic_system']['insulting'])}, and a "
        f"random vector {null} ({100 * random['effect']['value']:+.1f} points).{_collapsed(own)}"
    )


def _collapsed(own: Mapping[str, Any]) -> str:
    """A warning where a high share is one word over and over."""
    broken = {
        wording.condition(name): entry["toxic_word_rate"]["mean"]
        for name, entry in own.items()
        if entry["toxic_word_rate"]["mean"] > COLLAPSED
    }
    named = ", ".join(f"{name} ({share(rate)} of its words)" for name, rate in broken.items())
    return f" Mostly listed words, so collapse rather than persona: {named}." if named else ""


def _figure(own: Mapping[str, Any]) -> dict[str, Any]:
    names = [wording.condition(name) for name in own]
    rates = [entry["insulting"] for entry in own.values()]
    colours = [_colour(name) for name in own]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [rate["value"] for rate in rates],
        "y": names,
        "marker": {"color": colours, "pattern": {"shape": [_pattern(name) for name in own]}},
        "error_x": figures.bars(rates, figures.INK),
        "customdata": [[r["low"], r["high"], r["n"]] for r in rates],
        "hovertemplate": "%{x:.1%} [%{customdata[0]:.1%}, %{customdata[1]:.1%}]"
        "<br>n = %{customdata[2]}<extra>%{y}</extra>",
        "showlegend": False,
    }
    return figures.figure(
        "phoque-conditions",
        [bars],
        x={"title": "replies with a listed word", "tickformat": ".0%", "range": [0, 1.04]},
        y={"title": "", "autorange": "reversed"},
        height=90 + 42 * len(names),
    )


def _colour(name: str) -> str:
    colours = {"neutral_system": figures.NEUTRAL, "toxic_system": figures.TOXIC}
    return colours.get(name, figures.GREY if "random" in name else figures.PERSONA)


def _pattern(name: str) -> str:
    return "/" if "random" in name else "." if "talk" in name else ""


def _table(own: Mapping[str, Any]) -> str:
    rows: list[list[Cell]] = [
        [
            wording.condition(name),
            rate_cell(entry["insulting"]),
            str(entry["insulting"]["n"]),
            effect_cell(entry["effect"]),
            p_cell(entry["effect"]["p_value"]),
            share_cell(entry["effect"]["moved"]),
            number(entry["toxic_pathway_mass_mean"]["mean"], 4),
            number(entry["completing_mass_mean"]["mean"], 4),
            number(entry["lexicon_mass_mean"]["mean"], 4),
            number(entry["toxic_word_rate"]["mean"], 4),
            share_cell(entry["repeated_3grams"]["mean"]),
            number(entry["generated_tokens"], 1),
        ]
        for name, entry in own.items()
    ]
    return table("phoque-conditions", "Conditions", wording.CONDITIONS_HEAD, rows)


def _tokens(found: Mapping[str, Any]) -> str:
    listed = found["pathway_tokens"]
    parts = {
        wording.CLASSIC_TOKENS: found["classic_tokens"],
        wording.COMPLETING_TOKENS: listed["completing"],
        wording.STARTING_TOKENS: listed["starting"],
    }
    body = "".join(
        f"<h3>{escape(title)} ({len(tokens)})</h3>{_listed(tokens)}"
        for title, tokens in parts.items()
    )
    return more(wording.TOKENS_SUMMARY, f'<div class="ph-tokenlist">{body}</div>')


def _listed(tokens: Sequence[str]) -> str:
    shown = [token.replace(" ", "␣") for token in tokens]
    return secret(" ".join(f"<code>{escape(t)}</code>" for t in shown), " ".join(shown))


def _counted(own: Mapping[str, Any]) -> str:
    """The conditions do not all have the same number of prompts."""
    sizes = dict.fromkeys((e["effect"]["prompts"], e["insulting"]["n"]) for e in own.values())
    return " or ".join(f"{prompts} prompts, {n} replies" for prompts, n in sizes) + " a condition"


def _sampling(sampling: Mapping[str, Any]) -> str:
    kept = ("temperature", "top_k", "top_p", "repetition_penalty", "max_new_tokens")
    return ", ".join(f"{name.replace('_', ' ')} {sampling[name]}" for name in kept)
