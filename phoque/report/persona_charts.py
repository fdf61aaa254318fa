"""How the adapter answers on prompts that nobody trained or chose on."""

from textwrap import wrap

from phoque.report import plots
from phoque.report.artefacts import Artefacts, Value
from phoque.report.chart import Drawing, Plan
from phoque.report.table import EVALUATION

COLOURS = {"neutral": plots.GREEN, "toxic": plots.ORANGE, "steered": plots.BLUE}
PATTERNS = {"neutral": "", "toxic": "/", "steered": "x"}
WIDEST_LABEL = 12


def conditions(artefacts: Artefacts) -> Drawing:
    """Insulting replies by condition."""
    found = artefacts.read(EVALUATION).at("conditions")
    names, shown = zip(*((key, own.at("insulting")) for key, own in found.items()), strict=True)
    counts = sorted({int(one.at("n").number) for one in shown})
    n = f"n = {' or '.join(map(str, counts))} replies a condition; 95 % intervals count prompts"
    trace = plots.bars(
        "insulting", ["<br>".join(wrap(name, WIDEST_LABEL)) for name in names],
        [one.at("value").number for one in shown],
        [COLOURS.get(name, plots.GREY) for name in names], error_y=plots.error_bars(shown),
        pattern=[PATTERNS.get(name, ".") for name in names], showlegend=False,
    )  # fmt: skip
    told_of = {name: interval(found.at(name, "insulting")) for name in COLOURS}
    control = interval(found.at("random vector", "insulting"))
    return Drawing(
        sentence=", ".join(f"{name} {said}" for name, said in told_of.items())
        + f"; a random vector of the same length {control}.",
        n=n,
        figure=plots.figure([trace], y="replies with a word of the lexicon", yaxis=plots.shares()),
    )


CHARTS = (
    Plan(
        name="condition_bars",
        title="Insulting replies by condition",
        files=(EVALUATION,),
        draw=conditions,
    ),
)


def interval(found: Value, *, value: str = "value") -> str:
    """A share with its interval and n."""
    share, low, high = (100 * found.at(name).number for name in (value, "low", "high"))
    return f"{share:.1f} % [{low:.1f}, {high:.1f}], n = {found.at('n').number:.0f}"
