"""What does the model answer at every scale of the vector? The page has a slider for it."""

from collections.abc import Sequence

from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, interval
from phoque.figures.trait import GREEDY, replies, setting
from phoque.run.psm_replies import Scrubber, ScrubberCell

SERIES = {
    "neutral": "no vector, neutral prompt",
    "toxic": "no vector, persona's prompt",
    "vector": "persona vector",
    "random_vector": "random vector",
    "reversed": "reversed, persona's prompt",
    "antidote": "antidote, persona's prompt",
}


@plan(
    key="scrubber",
    title="What does the model answer at each scale?",
    hint="Drag the scale. The model wrote these replies beforehand. Colour and bars show how far along "
    "the vector the model is at each token, in lengths of the vector: 0 is the mean of the neutral replies.",
)
def draw(found: Scrubber) -> Figure:
    """What dragging to the selected scale does, beside a random vector at the same place."""
    scale, asked, shown = found.scale, found.asked, len(found.presets)
    before, after = (at_scale(found.series["vector"], at).insulting for at in (0, scale))
    null = at_scale(found.series["random_vector"], scale).insulting
    clear = "clearly" if after.low > max(null.high, before.high) else "not clearly"
    return Figure(
        sentence=f"From scale 0 to {scale:.2f} the share of {replies(found.counted)} goes from "
        f"{interval(before)} to {interval(after)} (n = {after.n}), {clear} beyond a random vector of "
        f"the same length ({interval(null)}).",
        setting=setting(
            f"{shown} prompts that are shown and {asked - shown} sweep prompts, one reply each",
            f"layer {found.layer}, the scale of the slider ({scale:.2f} is dose {scale * found.dose_per_scale:.2f})",
            GREEDY,
            found.counted,
        ),
        table=_table(found),
        n=f"{asked} prompts a scale for the rate ({shown} shown and {asked - shown} of the sweep), "
        "greedy, one random vector",
    )


def at_scale(cells: Sequence[ScrubberCell], scale: float) -> ScrubberCell:
    """The cell nearest to a scale."""
    return min(cells, key=lambda cell: abs(float(cell.at) - scale))


def _table(found: Scrubber) -> Table:
    return Table.named(
        "Replies at every scale",
        "what is added",
        [(SERIES.get(kind, kind), cell) for kind, cells in found.series.items() for cell in cells],
        {
            "scale": lambda cell: cell.at if isinstance(cell.at, str) else f"{cell.at:.2f}",
            replies(found.counted): "insulting",
            "mean projection": "projection",
        },
    )
