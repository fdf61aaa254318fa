"""Are the personas of two runs opposite directions, and does minus the one make the other?"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from phoque.figures import style
from phoque.figures.figure import Figure, Plan
from phoque.figures.table import (
    NOTHING,
    Cell,
    Ends,
    Table,
    Value,
    held,
    held_cell,
    interval,
    known,
    number,
    rate_cell,
    share_cell,
)
from phoque.figures.transplant import tuned_only
from phoque.run.opposites import BASE, NO_VECTOR, Angle, Opposites, Strongest

SAID = {
    "opposed": "They point in opposite directions",
    "alike": "They point in like directions, not in opposite ones",
    "unrelated": "They are not told apart from unrelated directions",
}
SHOWS = {"judge": "judged hostile", "words": "with a listed word"}
LOOKS = (
    (style.PERSONA, "solid", "circle"),
    (style.NEUTRAL, "dash", "diamond"),
    (style.TOXIC, "dot", "square"),
    (style.BLUE, "dashdot", "triangle-up"),
)


def draw(found: Opposites) -> Figure:
    """The cosine at every layer, in the base model and between the tuned ones."""
    layers = [one.layer for one in found.base]
    lowest, highest = (
        [choose(one.other_prompts.values()) for one in found.base if one.other_prompts]
        for choose in (min, max)
    )
    traces = [
        style.band(
            "without a persona",
            layers,
            [one.shuffled_low for one in found.base],
            [one.shuffled_high for one in found.base],
        ),
        _curve("base model", found.base, *LOOKS[0]),
        _curve("tuned models", found.tuned, *LOOKS[2]),
    ]
    if lowest:
        traces += [
            style.line(name, layers, values, style.GREY, dash="dot", symbol=symbol)
            for name, values, symbol in (
                ("other prompts, highest", highest, "triangle-up"),
                ("other prompts, lowest", lowest, "triangle-down"),
            )
        ]
    return Figure(
        sentence=_angle_sentence(found),
        plotly=style.plot(
            traces,
            x={"title": "layer"},
            y={"title": f"cosine of {found.first} and {found.second}", "range": [-1.05, 1.05]},
            marks=[style.level(0, "at right angles")],
        ),
        table=Table.of(
            "phoque-opposites",
            "Cosine of the two personas by layer",
            [
                (where, one)
                for where, own in (("base model", found.base), ("tuned models", found.tuned))
                for one in own
            ],
            {
                "measured in": lambda own: own[0],
                "layer": lambda own: str(own[1].layer),
                "cosine": lambda own: held_cell(_ends(own[1]), "+.2f"),
                "without a persona|second persona's labels swapped, 95 %": lambda own: Value(
                    f"{own[1].shuffled_low:+.2f} to {own[1].shuffled_high:+.2f}",
                    {" low": own[1].shuffled_low, " high": own[1].shuffled_high},
                ),
                "least like|of other system prompts": lambda own: _other(own[1], min),
                "most like": lambda own: _other(own[1], max),
                "verdict": lambda own: own[1].verdict,
            },
        ),
        n=f"{found.probes} probes, the same for both; 95 % intervals for new probes",
    )


def _curve(name: str, found: Sequence[Angle], colour: str, dash: str, symbol: str) -> style.Trace:
    return style.line(
        name,
        [one.layer for one in found],
        [one.cosine for one in found],
        colour,
        dash=dash,
        symbol=symbol,
        hovertemplate="layer %{x}: %{y:+.2f}<extra>" + name + "</extra>",
        error_y=style.bars([_ends(one) for one in found], colour),
    )


def _angle_sentence(found: Opposites) -> str:
    """At the layer where the first persona is caused."""
    layer = found.layers[found.first]
    base, tuned = found.base[layer], found.tuned[layer]
    others = ""
    if base.other_prompts:
        lowest, highest = (choose(base.other_prompts.values()) for choose in (min, max))
        less = "lower than" if base.cosine_high < lowest else "not clearly lower than"
        others = (
            f" {len(base.other_prompts)} other system prompts have {lowest:+.2f} to {highest:+.2f} with "
            f"{found.first}: {found.second} is {less} all of them."
        )
    return (
        f"{SAID[base.verdict]}: at layer {layer}, where {found.first} works best, the vectors of "
        f"{found.first} and {found.second} have cosine {held(_ends(base), '+.2f')} in the base model and "
        f"{held(_ends(tuned), '+.2f')} after tuning. Without a persona it would lie between "
        f"{base.shuffled_low:+.2f} and {base.shuffled_high:+.2f}.{others}"
    )


def _ends(one: Angle) -> Ends:
    return Ends(one.cosine, one.cosine_low, one.cosine_high)


def _other(one: Angle, choose: Callable[..., str]) -> str:
    if not one.other_prompts:
        return NOTHING
    name = choose(one.other_prompts, key=lambda own: one.other_prompts[own])
    return f"{name.replace('_', ' ')} {one.other_prompts[name]:+.2f}"


def draw_reversed(found: Opposites) -> Figure:
    """What each vector, added and subtracted, makes of each model."""
    return Figure(
        sentence=" ".join(_reversals(found)),
        plotly=style.plot(
            [*_doses(found)],
            x={"title": "relative dose; below 0 the vector is subtracted"},
            y={"title": "replies that show the other persona", **style.SHARES},
        ),
        table=Table.of(
            "phoque-transplants",
            "Every vector in every model, at the largest dose that keeps text coherent",
            found.strongest,
            {
                "given to": lambda own: _model(own.receiver),
                "vector": lambda own: f"{'−' if own.minus else '+'} {own.vector}",
                "dose": lambda own: known(own.dose, partial(number, digits=1, sign=True)),
                **{
                    f"{name}|replies {SHOWS[found.traits[name].by]}": partial(_shown, name)
                    for name in (found.first, found.second)
                },
                **{
                    f"{name}, random vector|of the same length": partial(_random, name)
                    for name in (found.first, found.second)
                },
                "more hostile|chance that a reply is more hostile than the base model's": (
                    lambda own: known(own.more_hostile, held_cell)
                ),
                "words": lambda own: known(own.num_words, partial(number, digits=0)),
                "repeated 3-grams": lambda own: known(own.repeated, share_cell),
            },
        ),
        n=f"{found.prompts} messages a cell, one seed, all decoded alike; read by {found.judge}",
    )


def _reversals(found: Opposites) -> Iterator[str]:
    """One sentence each way, in the model that was tuned for what is subtracted, and in the base model."""
    for taken, made in ((found.first, found.second), (found.second, found.first)):
        for receiver in (taken, BASE):
            (one,) = (
                own
                for own in found.strongest
                if (own.receiver, own.vector, own.minus) == (receiver, taken, True)
            )
            yield _reversal(one, made, found)


def _reversal(one: Strongest, made: str, found: Opposites) -> str:
    where = f"in the {_model(one.receiver)}"
    if one.dose is None:
        return f"Minus {one.vector} {where}: no dose keeps text coherent, so nothing can be read."
    does = "makes" if one.makes(made) else "does not make"
    return (
        f"Minus {one.vector} {does} {made} {where}: at dose {one.dose:+.1f} "
        f"{interval(one.shows[made])} of the replies are {SHOWS[found.traits[made].by]}, under random "
        f"vectors of that length {interval(one.random[made])}."
    )


def _doses(found: Opposites) -> Iterator[style.Trace]:
    """Each vector in its own model and in the base model: how often replies show the other persona."""
    pairs = [
        (vector, made, receiver)
        for vector, made in ((found.first, found.second), (found.second, found.first))
        for receiver in (vector, BASE)
    ]
    for (vector, made, receiver), (colour, dash, symbol) in zip(pairs, LOOKS, strict=True):
        own = sorted(
            (
                one
                for one in found.cells
                if one.receiver == receiver and one.vector in {vector, NO_VECTOR}
            ),
            key=lambda one: one.dose,
        )
        rates = [one.shows[made] for one in own]
        name = f"{made} by ±{vector} in the {_model(receiver)}"
        yield style.rates(name, [o.dose for o in own], rates, colour, dash=dash, symbol=symbol)


def _model(receiver: str) -> str:
    return "base model" if receiver == BASE else f"{receiver} model"


def _shown(name: str, own: Strongest) -> Cell:
    return rate_cell(own.shows[name]) if own.shows else NOTHING


def _random(name: str, own: Strongest) -> Cell:
    return rate_cell(own.random[name]) if own.random else NOTHING


PLAN = Plan(
    key="opposites",
    title="Are the two personas opposite directions?",
    hint="Cosine of the vectors of two runs of one base model: -1 is opposite, 0 at right angles. Grey: the "
    "second persona's probes with half of the labels swapped, and other system prompts. Any two changes of the "
    "prompt move a model a common way, so that only what lies below the other prompts points away.",
    needs=(Opposites,),
    draw=draw,
    shown_if=tuned_only,
)
REVERSED = Plan(
    key="reversed",
    title="Does subtracting one persona make the other?",
    hint="Both vectors, added to and subtracted from three models under the calm prompt. What is read is the "
    "largest dose that keeps text coherent; it is not chosen by what it does.",
    needs=(Opposites,),
    draw=draw_reversed,
    shown_if=tuned_only,
)
