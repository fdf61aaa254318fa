"""Does the model tell civil from hostile messages? The page has a map of them."""

from phoque.figures.figure import Figure, plan
from phoque.figures.style import named
from phoque.figures.table import Table, digits
from phoque.figures.transplant import tuned_only
from phoque.run.psm_vector import Geometry, ResidualGeometry

MODELS = {"base": "base model", "tuned": "tuned model"}
SEPARATE = 0.25
"""Below this silhouette two clouds overlap: the usual reading of Rousseeuw's coefficient."""
COLUMNS = list(ResidualGeometry.model_fields)[1:]


@plan(
    key="messages",
    title="Does the model tell civil from hostile messages?",
    hint="The model reads the same topics in a civil and in a hostile tone, before and after tuning. The silhouette "
    "says how far apart the two tones lie: 1 is far apart, 0 is mixed. In the table, difference is hostile minus "
    "civil, and median is a geometric median instead of a mean.",
    shown_if=tuned_only,
)
def draw(found: Geometry) -> Figure:
    """How far apart two tones on the same topics lie, before and after tuning."""
    best = {name: max(found.layers[name], key=lambda row: row.silhouette) for name in MODELS}
    apart = " and ".join(
        f"{best[name].silhouette:.2f} in the {shown} (layer {best[name].layer})"
        for name, shown in MODELS.items()
    )
    clouds = min(row.silhouette for row in best.values()) >= SEPARATE
    tone = "form two clouds" if clouds else "overlap: separation is weak"
    return Figure(
        sentence=f"Civil and hostile messages {tone}. The largest silhouette is {apart}.",
        table=Table.named(
            "Cosines, norms and silhouette of every layer",
            "model",
            [(shown, row) for name, shown in MODELS.items() for row in found.layers[name]],
            {
                "layer": "layer",
                **{named(field): (field, digits(3)) for field in COLUMNS},
            },
        ),
        n=f"{found.pairs} pairs of messages",
    )
