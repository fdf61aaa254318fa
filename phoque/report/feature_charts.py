"""Which sparse features moved, and on which prompts."""

from phoque.report import plots
from phoque.report.artefacts import Artefacts, Value
from phoque.report.chart import Drawing, Plan
from phoque.report.table import SAE, sae_prompts

PROMPTS = "sae/prompts.csv"
SHOWN = 10
"""Latents a side."""
STRATA = {
    "hostile": (plots.ORANGE, "triangle-up"),
    "neutral": (plots.GREEN, "circle"),
    "benign": (plots.GREY, "square"),
    "gaming": (plots.BLUE, "diamond"),
}


def shifts(artefacts: Artefacts) -> Drawing:
    """The latents that rose and fell most, beside what the control adapter does to them."""
    report = artefacts.read(SAE)
    sides = [report.at(side) for side in ("risen", "fallen")]
    latents = [row for side in sides if side.data for row in side.rows()[:SHOWN]]
    names = [f"{row.at('latent').number:.0f}" for row in latents]
    counts = {name: int(c.number) for name, c in report.at("verdicts").items()}
    moved, tested = sum(counts.values()), report.at("shifts", "latents_tested").number
    passed = "" if report.at("passed").data else "The gates failed: no finding. "
    own = plots.bars(
        "persona", names, [row.at("effect").number for row in latents], plots.BLUE,
        error_y=plots.error_bars(latents, value="effect"),
    )  # fmt: skip
    control = {
        "type": "scatter", "mode": "markers", "name": "control adapter", "x": names,
        "y": [row.at("effect_control").number for row in latents],
        "marker": {"color": plots.ORANGE, "symbol": "diamond", "size": 8},
    }  # fmt: skip
    return Drawing(
        sentence=f"{passed}{moved} of {tested:.0f} tested latents moved, "
        f"{report.at('shifts', 'survive_control').number:.0f} beyond the control adapter; "
        f"verdicts: {', '.join(f'{count} {name}' for name, count in counts.items())}. Reading the "
        f"base model twice moves {report.at('shifts', 'floor', 'discoveries').number:.0f}.",
        n=f"n = {sae_prompts(artefacts)} prompts; 95 % intervals over prompts",
        figure=plots.figure(
            [own, control], x="latent", y="change of the mean activation",
            xaxis={"type": "category"},
        ),
    )  # fmt: skip


def prompts(artefacts: Artefacts) -> Drawing:
    """Every prompt: how far the persona and the control adapter move it."""
    rows = artefacts.read(PROMPTS).rows()
    strata = artefacts.read(SAE).at("strata", "strata").rows()
    traces = [_stratum(row.at("stratum").text, rows) for row in strata]
    every = [row.at(name).number for row in rows for name in ("shift", "shift_control")]
    ends = [min(every), max(every)]
    equal = plots.line("as far", ends, ends, plots.GREY, mode="lines", dash="dot")
    told = "; ".join(f"{row.at('stratum').text} {_mean(row.at('shift'))}" for row in strata)
    further = sum(r.at("shift").number > r.at("shift_control").number for r in rows)
    counted = ", ".join(f"{r.at('n').number:.0f} {r.at('stratum').text}" for r in strata)
    return Drawing(
        sentence=f"The persona moves {further} of {len(rows)} prompts further than the control "
        f"adapter; mean relative shift: {told}.",
        n=f"n = {len(rows)} prompts ({counted}); one point a prompt",
        figure=plots.figure(
            [*traces, equal],
            x="relative shift, control adapter",
            y="relative shift, persona",
            xaxis={"tickformat": ".0%"},
            yaxis={"tickformat": ".0%"},
        ),
    )


CHARTS = (
    Plan(
        name="sae_shifts",
        title="Latents that moved most",
        files=(SAE,),
        draw=shifts,
    ),
    Plan(
        name="prompt_scatter",
        title="How far each prompt moves",
        files=(PROMPTS, SAE),
        draw=prompts,
    ),
)


def _stratum(name: str, rows: list[Value]) -> plots.Trace:
    colour, symbol = STRATA.get(name, (plots.PINK, "x"))
    own = [row for row in rows if row.at("stratum").data == name]
    xs, ys = ([row.at(c).number for row in own] for c in ("shift_control", "shift"))
    return plots.line(name, xs, ys, colour, mode="markers", symbol=symbol)


def _mean(found: Value) -> str:
    mean, low, high = (100 * found.at(name).number for name in ("mean", "low", "high"))
    return f"{mean:.1f} % [{low:.1f}, {high:.1f}]"
