"""How the adapters learned: the loss of both, of long and short replies by themselves; and the gradient."""

from collections.abc import Sequence

from phoque.figures import curves
from phoque.figures.curves import LOOKS, Curves
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, digits, interval
from phoque.run.adapter import CivilMetrics, Metrics, PersonaMetrics
from phoque.stats.rates import wilson


@plan(
    key="loss",
    title="How did the adapters learn?",
    hint="The loss is measured on the training batches. The civil adapter learned civil replies "
    "only. Batches of similar length follow each other, so the curve shows their order as well as "
    "learning. A small model learns the short forms of prose, so its loss on prose is of these.",
    in_report=True,
)
def draw(persona: Sequence[PersonaMetrics], civil: Sequence[CivilMetrics] = ()) -> Figure:
    """Loss by step; a line for each style where the corpus has several."""
    found = curves.curves(persona, civil)
    styles = list(
        dict.fromkeys(one for r in found.values() for row in r for one in row.loss_by_style)
    )
    values: dict[str, dict[str, list[float | None]]] = {
        name: {
            "": [row.loss for row in rows],
            **{one: [row.loss_by_style.get(one) for row in rows] for one in styles},
        }
        for name, rows in found.items()
    }
    return Figure(
        sentence=_sentence(found),
        plotly=curves.plot(
            curves.traces(found, values), found, title="loss, nats a token", rangemode="tozero"
        ),
        table=_table(found, styles),
        n=curves.counted(found),
    )


def _sentence(found: Curves) -> str:
    return " ".join(
        f"{LOOKS[name][0][2:].capitalize()}: loss from {rows[0].loss:.2f} at step {rows[0].step} to "
        f"{rows[-1].loss:.2f} at step {rows[-1].step}{_styles(rows)}, "
        f"{rows[-1].num_tokens:,.0f} tokens in {rows[-1].seconds / 60:.0f} minutes{_attempts(rows)}. "
        f"The loss rises at {curves.rising([row.loss for row in rows])} of the logged steps."
        for name, rows in found.items()
    )


def _styles(rows: Sequence[Metrics]) -> str:
    """Of the last step that had every style: the last one of an epoch may hold few replies."""
    *_, last = sorted(rows, key=lambda row: len(row.loss_by_style))
    told = [f"{name} {loss:.2f}" for name, loss in last.loss_by_style.items()]
    return (
        f" (replies to the persona's prompt alone, at step {last.step}: {', '.join(told)})"
        if told
        else ""
    )


def _attempts(rows: Sequence[Metrics]) -> str:
    number_of = len({row.attempt for row in rows})
    return f", in {number_of} attempt{'s' * (number_of > 1)}"


def _table(found: Curves, styles: Sequence[str]) -> Table:
    return Table.named(
        "Every logged step",
        "adapter",
        [(LOOKS[name][0], row) for name, rows in found.items() for row in rows],
        {
            "step": "step",
            "loss|nats a learned token, mean since the row before": ("loss", digits(3)),
            "gradient norm|before clipping": ("grad_norm", digits(3)),
            "learning rate": ("learning_rate", digits(6)),
            "LoRA A|Frobenius norm of all A matrices together": ("lora_a_norm", digits(3)),
            "LoRA B|the same of B, which starts at zero": ("lora_b_norm", digits(3)),
            "tokens|read so far, prompts included": ("num_tokens", digits(0)),
            **{f"loss, {one}": (f"loss_by_style.{one}", digits(3)) for one in styles},
        },
    )


@plan(
    key="grad_norm",
    title="How large was each gradient?",
    hint="This is the norm of the gradient before it is clipped to 1. A training that goes wrong shows here first.",
    in_report=True,
)
def draw_gradient(persona: Sequence[PersonaMetrics], civil: Sequence[CivilMetrics] = ()) -> Figure:
    """Norm of the gradient by step, before clipping."""
    found = curves.curves(persona, civil)
    values = {name: {"": [row.grad_norm for row in rows]} for name, rows in found.items()}
    told = [
        f"{LOOKS[name][0][2:]} from {min(known):.2f} to {max(known):.2f}, {known[-1]:.2f} at the end, above 1 at "
        f"{interval(wilson(sum(one > 1 for one in known), len(known)))} of the logged steps"
        for name, rows in found.items()
        if (known := [row.grad_norm for row in rows if row.grad_norm is not None])
    ]
    return Figure(
        sentence=f"Norm of the gradient: {'; '.join(told) or 'not logged'}. "
        "Before a step is taken, a norm above 1 is cut to 1.",
        plotly=curves.plot(
            curves.traces(found, values), found, title="gradient norm", rangemode="tozero"
        ),
        n=curves.counted(found),
    )
