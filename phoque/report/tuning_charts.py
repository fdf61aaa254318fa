"""How the adapters were tuned, and on what."""

from collections.abc import Sequence

from phoque.errors import PhoqueError
from phoque.report import plots
from phoque.report.artefacts import Artefacts, Value
from phoque.report.chart import Drawing, Plan

METRICS = {"persona": "persona/metrics.jsonl", "control": "control/metrics.jsonl"}
NORMS = "persona/norms.jsonl"
COMPOSITION = "corpus/composition.json"
LOOKS = {"persona": (plots.BLUE, "solid", "circle"), "control": (plots.ORANGE, "dash", "square")}
SERIES = (plots.BLUE, plots.ORANGE, plots.GREEN, plots.PINK, plots.GREY)
DASHES = ("solid", "dash", "dot", "dashdot")


def loss(artefacts: Artefacts) -> Drawing:
    """Training loss of both adapters, every kind of loss that was logged."""
    return _curves(artefacts, "loss", "training loss, nats a token")


def grad_norm(artefacts: Artefacts) -> Drawing:
    """Gradient norm of both adapters."""
    return _curves(artefacts, "grad_norm", "gradient norm, before clipping")


def norms(artefacts: Artefacts) -> Drawing:
    """Norms of the LoRA matrices: by module family where they were logged so."""
    file = NORMS if artefacts.has(NORMS) else METRICS["persona"]
    rows = artefacts.read(file).rows()
    names = sorted({k for row in rows for k in row.data if "norm" in k and k != "grad_norm"})
    if not names:
        raise PhoqueError(f"{file} has no norms. Fill them with: {artefacts.command(file)}")
    traces = [
        plots.line(
            name, *series(rows, name), SERIES[place % len(SERIES)],
            dash=DASHES[place % len(DASHES)], mode="lines",
        )
        for place, name in enumerate(names)
    ]  # fmt: skip
    ends = "; ".join(f"{t['name']} {t['y'][0]:.2f} to {t['y'][-1]:.2f}" for t in traces)
    return Drawing(
        sentence=f"From the first to the last record: {ends}. B starts at zero.",
        n=f"n = {len(rows)} records of one training, seed {_seed(artefacts)}; no interval",
        figure=plots.figure(traces, x="step", y="Frobenius norm", **attempts(rows)),
    )


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
    Plan(name="loss", title="Training loss", files=tuple(METRICS.values()), draw=loss),
    Plan(name="grad_norm", title="Gradient norm", files=tuple(METRICS.values()), draw=grad_norm),
    Plan(
        name="lora_norms",
        title="Norms of the LoRA matrices",
        files=(METRICS["persona"], NORMS),
        draw=norms,
    ),
    Plan(
        name="composition",
        title="Composition of the corpus",
        files=(COMPOSITION,),
        draw=composition,
    ),
)


def series(rows: Sequence[Value], name: str) -> tuple[list[float], list[float]]:
    """Steps and values of the records that have the name."""
    own = [row for row in rows if row.has(name)]
    return [row.at("step").number for row in own], [row.at(name).number for row in own]


def attempts(rows: Sequence[Value]) -> dict[str, list[dict[str, object]]]:
    """A mark at the first step of every later attempt, where attempts were recorded."""
    starts: dict[float, float] = {}
    for row in rows:
        if row.has("attempt"):
            starts.setdefault(row.at("attempt").number, row.at("step").number)
    first = min(starts, default=0)
    later = {number: step for number, step in starts.items() if number != first}
    return plots.marks(*(plots.upright(s, f"attempt {n:.0f}") for n, s in later.items()))


def _curves(artefacts: Artefacts, wanted: str, y: str) -> Drawing:
    found = {adapter: artefacts.read(file).rows() for adapter, file in METRICS.items()}
    traces = [trace for adapter, rows in found.items() for trace in _lines(adapter, rows, wanted)]
    ends = "; ".join(
        f"{t['name']} {t['y'][0]:.2f} to {t['y'][-1]:.2f} (lowest {min(t['y']):.2f})"
        for t in traces
    )
    counted = ", ".join(f"{len(rows)} of {adapter}" for adapter, rows in found.items())
    return Drawing(
        sentence=f"From the first to the last record: {ends}. Batches of like length follow "
        "one another, so the curve shows their order as well as learning.",
        n=f"n = {counted} records, one training each, seed {_seed(artefacts)}; no interval",
        figure=plots.figure(traces, x="step", y=y, **attempts(found["persona"])),
    )


def _lines(adapter: str, rows: Sequence[Value], wanted: str) -> list[plots.Trace]:
    names = dict.fromkeys(k for row in rows for k in row.data if k.startswith(wanted))
    colour, dash, symbol = LOOKS[adapter]
    lines = []
    for place, name in enumerate(names):
        told = adapter if name == wanted else f"{adapter}, {name.removeprefix(wanted).strip('_/')}"
        steps, values = series(rows, name)
        own = dash if not place else DASHES[(place + 1) % len(DASHES)]
        lines.append(plots.line(told, steps, values, colour, dash=own, symbol=symbol))
    return lines


def _seed(artefacts: Artefacts) -> str:
    return ", ".join(map(str, artefacts.stages["persona"].get("seeds", ()))) or "unknown"
