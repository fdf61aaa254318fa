"""What was the dictionary trained on?"""

from phoque.figures.figure import Figure, plan
from phoque.figures.table import NOTHING, Table, number, share, share_cell
from phoque.run.sae import SaeReport


@plan(
    key="dictionary_sources",
    title="What was it trained on?",
    hint="All text is there after set-up. Where the other sources have too little, the last one fills the gap.",
)
def draw(report: SaeReport) -> Figure:
    """Where the training text comes from, and how well each kind is rebuilt."""
    counts, fits = report.fidelity.activations.sources, report.fidelity.explained_variance_by_source
    worst = min(fits, key=lambda name: fits[name].value)
    return Figure(
        sentence=f"The dictionary rebuilds {worst} least well: it explains {share(fits[worst].value)} of the "
        "variance there.",
        table=Table.of(
            "phoque-sae-sources",
            "Training text",
            [one for one in report.sources if one.name in counts],
            {
                "text": "name",
                "tokens": lambda one: f"{counts[one.name]:,}",
                "wanted": ("share", share_cell),
                "explained variance": lambda one: (
                    number(fits[one.name].value) if one.name in fits else NOTHING
                ),
                "licence": "licence",
                "what it is": "description",
            },
        ),
        n=f"{report.fidelity.activations.train_tokens:,} training tokens",
    )
