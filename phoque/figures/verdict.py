"""Does one direction carry the persona? The first thing to read."""

from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, Value, chance_text, interval, number, share
from phoque.figures.trait import evaluated, replies
from phoque.run.psm import NULL_DOSE, Selection
from phoque.run.psm_replies import Conditions
from phoque.run.psm_vector import Reliability


@plan(
    key="verdict",
    title="Does one direction carry the persona?",
    hint="A direction is a cause if the model does what the persona does as soon as the direction is added to a calm "
    "conversation. A listed word is a word of the persona's list; for the toxic persona, an insult.",
)
def draw(selection: Selection, reliability: Reliability, conditions: Conditions) -> Figure:
    """One sentence, and the numbers that everything else uses."""
    return Figure(
        sentence=_sentence(selection, conditions),
        setting=f"{evaluated(selection, conditions)} The probability comes from the sweep and its run-off, against random "
        f"vectors of all layers together at dose {NULL_DOSE:g}.",
        table=_table(selection, reliability),
        n=f"{selection.neutral.n} sweep prompts a cell, {len(selection.cells)} cells; "
        f"{conditions.conditions['steered'].insulting.n} replies to evaluation prompts",
    )


def _sentence(selection: Selection, conditions: Conditions) -> str:
    choice = selection.choice
    at = f"layer {choice.layer} at scale {choice.scale:.2f}"
    if not selection.beyond_chance:
        return (
            f"No: no layer and dose gave more {replies(selection.trait.by)} than random vectors could "
            f"(chance {chance_text(choice.chance)} after correction for all cells). What follows uses a "
            f"default, {at}, and shows no cause."
        )
    on_edge = " The scale is at the edge of the allowed range: no dose lies inside it."
    edge = "" if choice.inside else on_edge
    plain, steered = (conditions.conditions[name].insulting for name in ("neutral", "steered"))
    return (
        f"Yes: the vector, added to {at}, takes the share of {replies(conditions.counted)} from "
        f"{share(plain.value)} to {interval(steered)} (n = {steered.n}). The probability that random vectors reach "
        f"the share of this cell in the sweep is {chance_text(choice.chance)}, corrected for all cells.{edge}"
    )


def _table(selection: Selection, reliability: Reliability) -> Table:
    choice = selection.choice
    nat = "not reached" if choice.nat_scale is None else number(choice.nat_scale)
    facts: dict[str, Value | str] = {
        "Layer|decoder block whose output gets the vector, counted from 0": str(choice.layer),
        "Scale|how many times the measured vector is added": number(choice.scale),
        "Relative dose|length of what is added over the median length of the residual stream "
        "there": number(choice.relative_dose),
        "Text holds up to scale|replies read like the base model's, and expectations move no further "
        "than under the persona's prompt": number(selection.coherent_scale),
        "One nat at scale|there expectations move by one nat (KL, 95th percentile of tokens)": nat,
        "Probes' verdict|whether the probes agree on the direction: trust, weak or noise": (
            reliability.layers[choice.layer].verdict
        ),
    }
    return Table(
        caption="Where and how strongly the vector is added",
        head=tuple(facts),
        rows=(tuple(facts.values()),),
    )
