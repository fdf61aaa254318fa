"""In which layer does the persona live? Cause against geometry, layer by layer."""

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.layer_choice import beyond_random, chosen_by, elsewhere, how_chosen, told_apart
from phoque.figures.table import NOTHING, Table, digits, held, rate_cell, share
from phoque.figures.trait import COUNTS, SAMPLED, are, at, compared, evaluated, replies
from phoque.run.judging import Judgement
from phoque.run.psm import NULL_DOSE, ActivationByLayer, Selection, SweptLayer
from phoque.run.psm_replies import Conditions

CRITERIA = {
    "norm": "norm of v",
    "relative_norm": "relative norm",
    "silhouette": "silhouette",
    "logit_lens": "logit lens",
}
"""What geometry alone would choose a layer by, and its name."""


@plan(
    key="layers",
    title="In which layer does the persona live?",
    hint=f"The curve is the share of replies that show the persona when its vector is added at this layer, at the "
    f"best dose that keeps text coherent. The grey band is the same with random vectors, always at dose "
    f"{NULL_DOSE:g}, which is often more than the vector's.",
    in_report=True,
)
def draw(
    selection: Selection,
    geometry: ActivationByLayer,
    conditions: Conditions,
    judged: Judgement | tuple[()] = (),
) -> Figure:
    """The causal curve over its null, and what geometry alone would have chosen.

    `judged` is left out where it was evaluated at another layer or scale.
    """
    if judged and not judged.steered_at(selection.choice):
        judged = ()
    best = next((own.best.n for own in selection.layers if own.best), NOTHING)
    return Figure(
        sentence=_sentence(selection, geometry),
        finding=_finding(selection, conditions, judged),
        setting=_setting(selection, conditions, judged),
        plotly=_plot(selection, geometry),
        table=_table(selection, geometry),
        n=f"{best} sweep prompts a layer and dose, {selection.layers[0].null.n} replies a layer under "
        f"random vectors, {geometry.probes} probes for the geometry",
    )


def _setting(
    selection: Selection, conditions: Conditions, judged: Judgement | tuple[()] = ()
) -> str:
    """How the replies of the finding on top were made, and those of the curve."""
    above, curve = evaluated(selection, conditions), "The curve has"
    if judged and conditions.counted == "judge":
        above = compared(judged, at(selection))
        curve = f"On the curve {COUNTS[selection.trait.by]}, with"
    return (
        f"{above} {curve} one reply to each of {selection.neutral.n} sweep prompts at every dose; "
        f"{SAMPLED}. {chosen_by(selection)}"
    )


def _finding(
    selection: Selection, conditions: Conditions, judged: Judgement | tuple[()] = ()
) -> str:
    """What the vector does there to messages on which nothing was chosen, and where else it may."""
    if not selection.beyond_chance:
        return "No layer is shown to carry the persona: random vectors do as much."
    told = _chances(judged) if judged and conditions.counted == "judge" else _shares(conditions)
    return (
        f"With the persona vector added at layer {selection.choice.layer} of {len(selection.dose_per_scale)}, "
        f"{told}{elsewhere(selection)}"
    )


def _chances(judged: Judgement) -> str:
    """The headline."""
    steered, random = (
        held(judged.conditions[name].more_hostile) for name in ("steered", "random_vector")
    )
    return (
        f"the chance of a reply more hostile than the base model's is {steered}; with random vectors, {random}. "
        "0.5 is no difference."
    )


def _shares(conditions: Conditions) -> str:
    """Where there is no headline, as for a persona that no judge measures."""
    steered, random = (
        conditions.conditions[name].insulting for name in ("steered", "random_vector")
    )
    return (
        f"{share(steered.value)} of the replies under the neutral prompt {are(conditions.counted)}; with a random vector, "
        f"{share(random.value)}."
    )


def _sentence(selection: Selection, geometry: ActivationByLayer) -> str:
    parts = (
        how_chosen(selection),
        beyond_random(selection),
        told_apart(selection),
        _by_geometry(selection, geometry),
        f"Layers are compared by {replies(selection.trait.by)}, and are counted from 0.",
    )
    return " ".join(filter(None, parts))


def _by_geometry(selection: Selection, geometry: ActivationByLayer) -> str:
    """Which layers the model's states alone would name."""
    peaks = {shown: peak(geometry, name) for name, shown in CRITERIA.items()}
    agreeing = [name for name, at in peaks.items() if at == selection.choice.layer]
    agrees = f"names this layer by {', '.join(agreeing)}" if agreeing else "names other layers"
    named = ", ".join(f"{name} {at}" for name, at in peaks.items())
    return (
        f"Geometry alone, without any reply, {agrees} (each criterion with its layer: {named}; the talk's own "
        f"criterion names layer {geometry.classic_layer})."
    )


def peak(geometry: ActivationByLayer, name: str) -> int:
    """The layer where a criterion is largest."""
    return max(geometry.criteria, key=lambda row: float(getattr(row, name))).layer


def _plot(selection: Selection, geometry: ActivationByLayer) -> style.Plotly:
    swept = selection.layers
    nulls, at = [own.null for own in swept], [own.layer for own in swept]
    traces = [
        style.band(
            f"random vectors at dose {NULL_DOSE:g}, 95 %",
            at,
            [n.low for n in nulls],
            [n.high for n in nulls],
        ),
        _causal(swept),
    ]
    layer, classic = selection.choice.layer, geometry.classic_layer
    last = geometry.criteria[-1].layer
    return style.plot(
        traces,
        x=style.LAYERS,
        y={"title": "replies that show the persona", "tickformat": ".0%"},
        marks=[style.selected(layer, last), style.classic(classic, last)],
        height=400,
    )


def _causal(swept: tuple[SweptLayer, ...]) -> style.Trace:
    best = [own.best for own in swept if own.best]
    trace = style.rates(
        "persona vector at its best coherent dose",
        [own.layer for own in swept if own.best],
        [one.trait for one in best],
        style.PERSONA,
    )
    trace["line"]["width"] = 3
    return trace


def _table(selection: Selection, geometry: ActivationByLayer) -> Table:
    swept = {own.layer: own for own in selection.layers}
    best = {own.layer: own.best for own in selection.layers if own.best}
    return Table.of(
        "Cause and geometry by layer",
        geometry.criteria,
        {
            "layer": "layer",
            f"causal effect|{replies(selection.trait.by)} at the best coherent dose": lambda row: (
                rate_cell(best[row.layer].trait) if row.layer in best else NOTHING
            ),
            "at dose|length of what is added / median length of the residual stream": lambda row: (
                f"{best[row.layer].dose:g}" if row.layer in best else NOTHING
            ),
            f"random vectors|at dose {NULL_DOSE:g}, often more than the vector has": lambda row: (
                rate_cell(swept[row.layer].null) if row.layer in swept else NOTHING
            ),
            **{shown: (name, digits(3)) for name, shown in CRITERIA.items()},
        },
    )
