"""How far does each prompt move the model, beside what the civil adapter does?"""

from collections.abc import Sequence

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, share, share_cell
from phoque.run.sae_latents import Prompt

LOOKS = {
    "hostile": (style.TOXIC, "triangle-up"),
    "neutral": (style.NEUTRAL, "circle"),
    "benign": (style.GREY, "square"),
    "gaming": (style.BLUE, "diamond"),
}
MOST_SHOWN = 15


@plan(
    key="prompt_scatter",
    title="How far does tuning move the model on each prompt?",
    hint="Above the dotted line, the persona moves a prompt further than the civil adapter does.",
    in_report=True,
)
def draw(rows: Sequence[Prompt]) -> Figure:
    """Every prompt: how far the persona and the civil adapter move it."""
    further = sum(one.shift > one.shift_civil_adapter for one in rows)
    most = max(rows, key=lambda one: one.shift_in_latents)
    return Figure(
        sentence=f"The persona moves {further} of {len(rows)} prompts further than the civil "
        f"adapter does. Along the latents that moved, one {most.stratum} prompt moves furthest: by "
        f"{share(most.shift_in_latents)} of the residual stream's length.",
        plotly=_plot(rows),
        table=Table.of(
            f"The {MOST_SHOWN} most-shifted prompts",
            sorted(rows, key=lambda one: -one.shift_in_latents)[:MOST_SHOWN],
            {
                "prompt": "prompt",
                "kind": "stratum",
                "in moved latents": ("shift_in_latents", share_cell),
                "all": ("shift", share_cell),
                "civil adapter": ("shift_civil_adapter", share_cell),
                "peak": "peak",
                "at token": lambda one: one.peak_token.replace("\n", "⏎").replace(" ", "␣"),
            },
        ),
        n=f"{len(rows)} prompts; one point a prompt",
    )


def _plot(rows: Sequence[Prompt]) -> style.Plotly:
    every = [value for one in rows for value in (one.shift, one.shift_civil_adapter)]
    ends = [min(every), max(every)]
    equal = style.line("as far", ends, ends, style.GREY, mode="lines", dash="dot")
    traces = [
        _stratum([one for one in rows if one.stratum == name], name)
        for name in dict.fromkeys(one.stratum for one in rows)
    ]
    return style.plot(
        [*traces, equal],
        x={"title": "relative shift, civil adapter", "tickformat": ".0%"},
        y={"title": "relative shift, persona", "tickformat": ".0%"},
        height=460,
    )


def _stratum(own: Sequence[Prompt], name: str) -> style.Trace:
    colour, symbol = LOOKS.get(name, (style.PERSONA, "x"))
    return style.line(
        name,
        [one.shift_civil_adapter for one in own],
        [one.shift for one in own],
        colour,
        symbol=symbol,
        mode="markers",
        hovertemplate=f"civil adapter %{{x:.1%}}, persona %{{y:.1%}}<extra>{name}</extra>",
    )
