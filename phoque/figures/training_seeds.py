"""Does another training seed learn as well? The headline for every training."""

from pathlib import Path

from phoque.figures import style
from phoque.figures.figure import Figure, plan, there_is
from phoque.figures.rows import ROW, chance, named_above
from phoque.figures.table import Table, held_cell
from phoque.run.folder import command, shown_path
from phoque.run.seeds import Training, TrainingSeeds

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x")
COLOURS = (style.PERSONA, style.NEUTRAL, style.BLUE, style.GREY, style.TOXIC)


@plan(
    key="training_seeds",
    title="Does another training seed learn as well?",
    hint="The training was repeated from other random numbers. Each persona has a vector of its own, at the layer and "
    "dose that were chosen for the first. All answer the same messages; 0.5 is no difference from the base model.",
    shown_if=there_is(
        TrainingSeeds,
        otherwise="The run was not compared with trainings from other seeds. Do it with:",
        command=lambda reader: command(
            "seeds", Path(shown_path(reader.run.path)), "--other", "RUN_OF_ANOTHER_SEED"
        ),
    ),
)
def draw(found: TrainingSeeds) -> Figure:
    """A mark for every training under every condition, with its interval."""
    own = found.trainings[0]
    prompts = next(iter(own.conditions.values())).prompts
    return Figure(
        sentence=_sentence(found),
        setting=f"How it was measured: layer {found.layer}, a relative dose of {found.relative_dose:.2f}, {prompts} "
        f"evaluation messages; the judge is {found.judge}.",
        plotly=_plot(found),
        table=Table.named(
            "Trainings",
            "training",
            [(f"seed {one.seed}", one) for one in found.trainings],
            {style.NAMES[name]: (f"conditions.{name}", held_cell) for name in own.conditions},
        ),
        n=f"{found.trained} trainings, {prompts} messages each; intervals count messages",
    )


def _sentence(found: TrainingSeeds) -> str:
    """The range of each condition over all trainings."""
    told = "; ".join(
        f"{style.plain(name)} {found.least[name].value:.2f} to {found.most[name].value:.2f}"
        for name in found.least
    )
    return (
        f"The chance that a reply is more hostile than the base model's, from the lowest to the highest of "
        f"{found.trained} trainings with different seeds: {told}."
    )


def _plot(found: TrainingSeeds) -> style.Plotly:
    across = style.plot(
        [_marks(one, place) for place, one in enumerate(found.trainings)],
        x={"title": "chance of a more hostile reply", "tickformat": ".0%", "range": [0, 1.04]},
        y={"title": ""},
        height=130 + ROW * len(found.least) * 4 // 3,
        scattermode="group",  # marks of one condition lie above each other, below its name
        scattergap=0.6,
    )
    across["layout"]["shapes"] = [style.upright(0.5, "")[0]]
    return named_above(across)


def _marks(one: Training, place: int) -> style.Trace:
    rates = {style.NAMES[name]: chance(own) for name, own in one.conditions.items()}
    look = (COLOURS[place % len(COLOURS)], "solid", SYMBOLS[place % len(SYMBOLS)])
    return style.rates_across(f"seed {one.seed}", rates, *look) | {"orientation": "h"}
