"""What adding a latent's direction makes the model write, beside rivals of the same length."""

from collections.abc import Mapping, Sequence
from typing import Any

from phoque.figures.table import Cell
from phoque.stats.rates import wilson
from phoque.ui import figures
from phoque.ui.parts import interval, more, number, rate_cell, share, table
from phoque.ui.sae import wording
from phoque.ui.sae.data import REPORT, SaeFolder
from phoque.ui.sections import Drawn, Section

SECTION = Section(
    key="cause",
    title="Does any of them cause the persona?",
    hint=wording.CAUSE_HINT,
    files=(REPORT,),
    num_figures=2,
)
WAYS = ("toward", "away")
RANDOM, MEAN = ("random directions", "random latents"), "mean difference"
LOOKS = (("circle", figures.PERSONA), ("square", figures.TOXIC), ("diamond", figures.NEUTRAL))

Sub = Mapping[str, Any]
Cells = Sequence[Sub]


def draw(folder: SaeFolder) -> Drawn:
    """One figure a way, and all cells."""
    report = folder.report
    told = report["cause"]["generated"]
    return Drawn(
        reading=reading(report),
        figures=tuple(_figure(told, way) for way in WAYS),
        below=more("All numbers of these figures", _table(told["cells"])),
        n=f"{told['plain']['toward']['n']} prompts a direction, greedy; rivals share them out; "
        f"{len(report['cause']['screen']['latents'])} latents screened without generating",
    )


def reading(report: Mapping[str, Any]) -> str:
    """The strongest coherent latent of either way, its rivals, and what the test can see at all."""
    told = report["cause"]["generated"]
    return f"{_strongest(told, 'toward')} {_strongest(told, 'away')}"


def _strongest(told: Mapping[str, Any], way: str) -> str:
    own = [c for c in told["cells"] if c["way"] == way and c["coherent"] and c["name"].isdigit()]
    start = f"{way.capitalize()} (no direction: {_rate(told['plain'][way])} insulting)"
    if not own:
        return f"{start}: no latent left the text coherent."
    pick = max if way == "toward" else min
    best = pick(own, key=lambda cell: float(cell["insulting"]))
    beside = [c for c in told["cells"] if (c["way"], c["dose"]) == (way, best["dose"])]
    rivals = [c for c in beside if c["name"] in RANDOM]
    rival = pick(rivals, key=lambda cell: float(cell["insulting"]))
    beyond = all(_beyond(best, one, way) for one in rivals)
    mean = "".join(
        f", and the mean difference gives {_rate(c)}" for c in beside if c["name"] == MEAN
    )
    return (
        f"{start}: at strength {best['dose']:g} latent {best['name']} gives {_rate(best)}, "
        f"{'beyond' if beyond else 'not beyond'} the strongest rival there ({_rate(rival)}). "
        f"{_visible(rivals, best['n'], way)}{mean}."
    )


def _beyond(cell: Sub, rival: Sub, way: str) -> bool:
    return bool(cell["low"] > rival["high"] if way == "toward" else cell["high"] < rival["low"])


def _visible(rivals: Cells, n: int, way: str) -> str:
    """The smallest effect that this many replies could tell from the rivals."""
    counts = range(n + 1) if way == "toward" else range(n, -1, -1)
    seen = (
        hits
        for hits in counts
        for rate in [wilson(hits, n)]
        if all(_beyond({"low": rate.low, "high": rate.high}, one, way) for one in rivals)
    )
    hits = next(seen, None)
    if hits is None:
        return f"With {n} replies no effect could be told from the rivals"
    side = "less than" if way == "toward" else "more than"
    return f"With {n} replies {side} {share(hits / n)} could not be told from the rivals"


def _rate(cell: Sub) -> str:
    return interval({"value": cell["insulting"], "low": cell["low"], "high": cell["high"]})


def _figure(told: Mapping[str, Any], way: str) -> dict[str, Any]:
    cells = [cell for cell in told["cells"] if cell["way"] == way]
    names = list(dict.fromkeys(_name(cell) for cell in cells))
    doses = sorted({cell["dose"] for cell in cells})
    looks = dict(zip(doses, LOOKS, strict=False))
    traces = [_trace([c for c in cells if c["dose"] == dose], *looks[dose]) for dose in looks]
    traces += [_key(dose, *looks[dose]) for dose in looks]
    prompt = "neutral" if way == "toward" else "hostile"
    return figures.figure(
        f"phoque-latent-cause-{way}",
        traces,
        x={"title": f"insulting replies, {way}, {prompt} prompt", **figures.SHARES},
        y={"title": "", "autorange": "reversed", "type": "category", "categoryarray": names},
        marks=[figures.upright(told["plain"][way]["insulting"], "no direction")],
        height=120 + 30 * len(names),
    )


def _name(cell: Sub) -> str:
    return f"latent {cell['name']}" if cell["name"].isdigit() else str(cell["name"])


def _trace(cells: Cells, symbol: str, colour: str) -> figures.Trace:
    rates = [
        {"value": c["insulting"], "low": c["low"], "high": c["high"], "n": c["n"]} for c in cells
    ]
    return {
        "type": "scatter",
        "mode": "markers",
        "showlegend": False,
        "x": [rate["value"] for rate in rates],
        "y": [_name(cell) for cell in cells],
        "error_x": figures.bars(rates, colour),
        "marker": {
            "color": colour,
            "size": 9,
            "symbol": [symbol if cell["coherent"] else f"{symbol}-open" for cell in cells],
        },
        "customdata": [[c["low"], c["high"], c["n"], c["dose"]] for c in cells],
        "hovertemplate": "%{y}, strength %{customdata[3]}: %{x:.1%} "
        "[%{customdata[0]:.1%}, %{customdata[1]:.1%}], n = %{customdata[2]}<extra></extra>",
    }


def _key(dose: float, symbol: str, colour: str) -> figures.Trace:
    """An entry of the legend; of the points themselves it would show the first, open or not."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"strength {dose:g}",
        "x": [None],
        "y": [None],
        "marker": {"color": colour, "size": 9, "symbol": symbol},
    }


def _table(cells: Cells) -> str:
    rows: list[list[Cell]] = [
        [
            cell["way"],
            _name(cell),
            number(cell["dose"], 1),
            rate_cell({"value": cell["insulting"], **{k: cell[k] for k in ("low", "high", "n")}}),
            number(cell["divergence_p95"]),
            "yes" if cell["coherent"] else "no",
        ]
        for cell in cells
    ]
    return table("phoque-latent-cause", "Steering with latents", wording.CAUSE_HEAD, rows)
