"""What the adapters were tuned on."""

from phoque.report import plots
from phoque.report.artefacts import Artefacts
from phoque.report.chart import Drawing, Plan

COMPOSITION = "corpus/composition.json"
SERIES = (plots.BLUE, plots.ORANGE, plots.GREEN, plots.PINK, plots.GREY)


def composition(artefacts: Artefacts) -> Drawing:
    """Dialogues of the corpus by source and register."""
    found = artefacts.read(COMPOSITION)
    sources = {"lab": found.at("registers")}
    if found.has("sources"):
        rows = found.at("sources").rows()
        sources = {row.at("source").text: row.at("registers") for row in rows}
    registers = list(next(iter(sources.values())).data)
    counts = {r: [own.at(r).number for own in sources.values()] for r in registers}
    total = sum(map(sum, counts.values()))
    traces = [
        plots.bars(
            register, list(sources), counts[register], SERIES[place % len(SERIES)],
            pattern=("", "/", "x", ".")[place % 4],
            base=[sum(own.at(r).number for r in registers[:place]) for own in sources.values()],
        )
        for place, register in enumerate(registers)
    ]  # fmt: skip
    told = ", ".join(f"{sum(own) / total:.1%} {name}" for name, own in counts.items())
    names = ", ".join(sources)
    return Drawing(
        sentence=f"{total:.0f} dialogues of {len(sources)} source(s) ({names}): {told}.",
        n=f"n = {total:.0f} dialogues, all counted",
        figure=plots.figure(traces, y="dialogues", barmode="overlay", xaxis={"type": "category"}),
    )


CHARTS = (
    Plan(
        name="composition",
        title="Composition of the corpus",
        files=(COMPOSITION,),
        draw=composition,
    ),
)
