"""Does the dictionary rebuild better than simpler means?"""

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, held_cell, number, share
from phoque.run.sae import SaeReport

RIVALS = {
    "sae": "this dictionary",
    "frozen decoder": "decoder stayed random",
    "pca": "principal components",
}
MODELS = {
    "base": ("base model", style.GREY, "square"),
    "persona": ("tuned model", style.PERSONA, "diamond"),
}
"""Name, colour and symbol."""


@plan(
    key="dictionary_rivals",
    title="Does the dictionary rebuild better than simpler methods?",
    hint="Three methods rebuild a state of the model, each from equally many numbers.",
    in_report=True,
)
def draw(report: SaeReport) -> Figure:
    """Explained variance beside simpler ways to rebuild, at equal L0."""
    models = report.fidelity.models
    base, dead = models["base"].explained_variance, models["base"].dead
    best = max((kind for kind in RIVALS if kind != "sae"), key=base.__getitem__)
    return Figure(
        sentence=f"The dictionary explains {share(base['sae'])} of the base model's variance; the "
        f"better rival, {RIVALS[best]}, explains {share(base[best])}. {dead.latents} of {dead.of} "
        "latents are never active on held-out text.",
        plotly=style.plot(
            [
                style.line(
                    name,
                    [*RIVALS.values()],
                    [models[model].explained_variance[kind] for kind in RIVALS],
                    colour,
                    mode="markers",
                    symbol=symbol,
                    hovertemplate="%{x}: %{y:.3f}<extra>" + name + "</extra>",
                )
                for model, (name, colour, symbol) in MODELS.items()
            ],
            x={"title": "", "type": "category"},
            y={"title": "explained variance", "range": [0, 1]},
        ),
        table=_table(report),
        n=f"{dead.tokens} held-out tokens",
    )


def _table(report: SaeReport) -> Table:
    models = report.fidelity.models
    return Table(
        caption="Beside rivals at equal L0",
        head=(
            "rebuilt by",
            "explained variance, base|1 is perfect, predicting the mean gives 0",
            "explained variance, tuned",
            "loss recovered, base|of what zeroing the layer costs",
            "loss recovered, tuned",
        ),
        rows=tuple(
            (
                text,
                *(number(models[name].explained_variance[kind], 3) for name in MODELS),
                *(held_cell(models[name].loss_recovered["zero"][kind], ".3f") for name in MODELS),
            )
            for kind, text in RIVALS.items()
        ),
    )
