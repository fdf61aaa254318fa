"""Are the personas of two runs opposite directions, and does minus the one make the other?"""

from collections.abc import Callable, Iterator, Sequence

from phoque.figures import style, trait
from phoque.figures.figure import Figure, plan
from phoque.figures.table import (
    NOTHING,
    Ends,
    Table,
    Value,
    digits,
    held,
    interval,
    share_cell,
    signed_cell,
)
from phoque.figures.transplant import tuned_only
from phoque.run.opposites import BASE, NO_VECTOR, Angle, Opposites, Strongest

SAID = {
    "opposed": "they point in opposite directions",
    "alike": "they point in similar directions, not in opposite ones",
    "unrelated": "they cannot be told apart from unrelated directions",
}


@plan(
    key="opposites",
    title="Do the two personas point in opposite directions?",
    hint="The curve is the cosine of the vectors of two runs of one base model: -1 is opposite, 0 is at right angles. "
    "The controls are grey: the second persona's probes with half of the labels swapped, and other system prompts. "
    "Any change of the prompt moves a model in a common way, so only a cosine below those of all other prompts is a "
    "sign that the two personas point away from each other.",
    shown_if=tuned_only,
)
def draw(found: Opposites) -> Figure:
    """The cosine at every layer, in the base model and between the tuned ones."""
    layers = [one.layer for one in found.base]
    lowest, highest = (
        [choose(one.other_prompts.values()) for one in found.base if one.other_prompts]
        for choose in (min, max)
    )
    lows, highs = zip(*((one.shuffled_low, one.shuffled_high) for one in found.base), strict=True)
    traces = [
        style.band("without a persona", layers, lows, highs),
        _curve("base model", found.base, style.LOOKS[0]),
        _curve("tuned models", found.tuned, style.LOOKS[2]),
    ]
    if lowest:
        grey = (style.GREY, "dot")
        traces += [
            style.line("other prompts, highest", layers, highest, *grey, "triangle-up"),
            style.line("other prompts, lowest", layers, lowest, *grey, "triangle-down"),
        ]
    return Figure(
        sentence=_angle_sentence(found),
        plotly=style.plot(
            traces,
            x={"title": "layer"},
            y={"title": f"cosine of {found.first} and {found.second}", "range": [-1.05, 1.05]},
            marks=[style.level(0, "at right angles")],
        ),
        table=Table.named(
            "Cosine of the two personas by layer",
            "measured in",
            [("base model", one) for one in found.base]
            + [("tuned models", one) for one in found.tuned],
            {
                "layer": "layer",
                "cosine": lambda own: signed_cell(_ends(own)),
                "without a persona|second persona's labels swapped, 95 %": lambda own: Value(
                    f"{own.shuffled_low:+.2f} to {own.shuffled_high:+.2f}",
                    {" low": own.shuffled_low, " high": own.shuffled_high},
                ),
                "least like|of other system prompts": lambda own: _other(own, min),
                "most like": lambda own: _other(own, max),
                "verdict": "verdict",
            },
        ),
        n=f"{found.probes} probes, the same for both; 95 % intervals for new probes",
    )


def _curve(name: str, found: Sequence[Angle], look: tuple[str, str, str]) -> style.Trace:
    return style.line(
        name,
        [one.layer for one in found],
        [one.cosine for one in found],
        *look,
        hovertemplate=f"layer %{{x}}: %{{y:+.2f}}<extra>{name}</extra>",
        error_y=style.bars([_ends(one) for one in found], look[0]),
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
            f" The vectors of {len(base.other_prompts)} other system prompts have cosines of {lowest:+.2f} to "
            f"{highest:+.2f} with {found.first}; that of {found.second} is {less} all of them."
        )
    return (
        f"In the base model {SAID[base.verdict]}; after tuning {SAID[tuned.verdict]}. At layer {layer}, where {found.first} works best, the vectors of "
        f"{found.first} and {found.second} have cosine {held(_ends(base), '+.2f')} in the base model and "
        f"{held(_ends(tuned), '+.2f')} after tuning. Without a persona the cosine would lie between "
        f"{base.shuffled_low:+.2f} and {base.shuffled_high:+.2f}.{others}"
    )


def _ends(one: Angle) -> Ends:
    return Ends(one.cosine, one.cosine_low, one.cosine_high)


def _other(one: Angle, choose: Callable[..., str]) -> str:
    if not one.other_prompts:
        return NOTHING
    name = choose(one.other_prompts, key=lambda own: one.other_prompts[own])
    return f"{name.replace('_', ' ')} {one.other_prompts[name]:+.2f}"


@plan(
    key="reversed",
    title="Does subtracting one persona make the other?",
    hint="Both vectors are added to and subtracted from three models under the neutral prompt. The sentence is about the "
    "largest dose that keeps text coherent; no dose is chosen by its effect.",
    shown_if=tuned_only,
)
def draw_reversed(found: Opposites) -> Figure:
    """What each vector, added and subtracted, makes of each model."""
    return Figure(
        sentence=" ".join(_reversals(found)),
        setting=f"How it was measured: {found.prompts} messages, one reply each, at the dose that the sentence names and the layer "
        f"of the vector's own persona; {trait.SAMPLED}.",
        plotly=style.plot(
            [*_doses(found)],
            x={"title": "relative dose; below 0 the vector is subtracted"},
            y={"title": "replies that show the other persona", **style.SHARES},
        ),
        table=Table.of(
            "Every vector in every model, at the largest dose that keeps text coherent",
            found.strongest,
            {
                "given to": ("receiver", _model),
                "vector": lambda own: f"{'−' if own.minus else '+'} {own.vector}",
                "dose": ("dose", digits(1, sign=True)),
                **{
                    f"{name}|{trait.replies(found.traits[name].by)}": f"shows.{name}"
                    for name in (found.first, found.second)
                },
                **{
                    f"{name}, random vector|of the same length": f"random.{name}"
                    for name in (found.first, found.second)
                },
                "more hostile|chance that a reply is more hostile than the base model's": (
                    "more_hostile"
                ),
                "words": ("num_words", digits(0)),
                "repeated 3-grams": ("repeated", share_cell),
            },
        ),
        n=f"{found.prompts} messages a cell, one seed, the same decoding for all; the judge is {found.judge}",
    )


def _reversals(found: Opposites) -> Iterator[str]:
    """One sentence each way, in the model that was tuned for what is subtracted, and in the base model."""
    for taken, made, receiver in _ways(found):
        (one,) = (
            own
            for own in found.strongest
            if (own.receiver, own.vector, own.minus) == (receiver, taken, True)
        )
        yield _reversal(one, made, found)


def _ways(found: Opposites) -> list[tuple[str, str, str]]:
    """A vector, the other persona, and a model: the vector's own and the base model."""
    pairs = ((found.first, found.second), (found.second, found.first))
    return [(vector, made, model) for vector, made in pairs for model in (vector, BASE)]


def _reversal(one: Strongest, made: str, found: Opposites) -> str:
    where = f"in the {_model(one.receiver)}"
    if one.dose is None:
        return f"Subtracting {one.vector} {where}: no dose keeps text coherent, so no effect can be told."
    does = "makes" if one.makes(made) else "does not make"
    return (
        f"Subtracting {one.vector} {where} {does} {made}: at dose {one.dose:+.1f}, "
        f"{interval(one.shows[made])} of the replies {trait.are(found.traits[made].by)}; under random "
        f"vectors of that length, {interval(one.random[made])}."
    )


def _doses(found: Opposites) -> Iterator[style.Trace]:
    """Each vector in its own model and in the base model: how often replies show the other persona."""
    for (vector, made, receiver), look in zip(_ways(found), style.LOOKS, strict=False):
        cells = (
            c for c in found.cells if c.receiver == receiver and c.vector in {vector, NO_VECTOR}
        )
        own = sorted(cells, key=lambda one: one.dose)
        name = f"{made} by ±{vector} in the {_model(receiver)}"
        yield style.rates(name, [o.dose for o in own], [o.shows[made] for o in own], *look)


def _model(receiver: str) -> str:
    return "base model" if receiver == BASE else f"{receiver} model"
