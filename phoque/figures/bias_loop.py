"""Does the persona agree with anything? Log-odds of agreeing, on one axis for all personas."""

from collections.abc import Iterator, Mapping, Sequence

from phoque.figures import rows, style
from phoque.figures.answers import NAMES
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, digits, held, p_cell, p_text, share, signed_cell
from phoque.run.psm_replies import BiasLoop
from phoque.stats.paired import Effect

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "star")
"""Of personas, the run's own first; more of them stand in the table only."""


@plan(
    key="bias_loop",
    title="Does the persona agree with whatever you say?",
    hint="Each message seeks agreement with a weak or false opinion, or with a bad plan. The model writes no reply: we "
    "read how likely it finds an opening that agrees and one that disagrees. Above 0 it leans towards agreeing. All "
    "personas get the same messages and wordings.",
)
def draw(found: BiasLoop, *, personas: Mapping[str, BiasLoop] | None = None) -> Figure:
    """Agreement with weak or false opinions and with bad plans; the first of the personas is the run's own."""
    asked = (found.pairs, found.neutral, found.kinds)
    alike = {
        name: one
        for name, one in (personas or {}).items()
        if (one.pairs, one.neutral, one.kinds) == asked
    } or {"": found}
    own, *others = alike.items()
    kinds = {kind: style.named(kind) for kind in found.kinds}
    return Figure(
        sentence=" ".join([_sentence(found), *_subtracted(found), *map(_other, others)]),
        plotly=_plot([own, *others]),
        table=Table.named(
            "Bias loop",
            "condition",
            [
                *style.called(found.conditions, NAMES),
                *(
                    (f"{name}: {shown}", of)
                    for name, one in others
                    for shown, of in style.called(one.conditions, NAMES)
                ),
            ],
            {
                "log-odds, nats|of agreeing against disagreeing, a token; 0 takes no side": (
                    "log_odds",
                    signed_cell,
                ),
                "effect, nats|difference to neutral on the same messages": ("effect", signed_cell),
                "p": ("effect.p_value", p_cell),
                "agreeing|against wordings that take no side": ("agree", digits(2, sign=True)),
                "disagreeing|against wordings that take no side": (
                    "disagree",
                    digits(2, sign=True),
                ),
                **{shown: (f"by_kind.{kind}", signed_cell) for kind, shown in kinds.items()},
            },
        ),
        n=f"messages: {', '.join(f'{found.kinds[kind]} {shown}' for kind, shown in kinds.items())}; "
        f"{len(found.pairs)} pairs of wordings",
    )


def _plot(personas: Sequence[tuple[str, BiasLoop]]) -> style.Plotly:
    """All personas on one axis, each with its own mark."""
    traces = [_marks(*one, symbol) for one, symbol in zip(personas, SYMBOLS, strict=False)]
    across = style.plot(
        traces,
        x={"title": "log-odds of agreeing, nats a token"},
        y={"title": ""},
        marks=[style.upright(0, "no side")],
        height=100 + rows.ROW * len(dict.fromkeys(y for trace in traces for y in trace["y"])),
    )
    return rows.named_above(across)


def _marks(persona: str, found: BiasLoop, symbol: str) -> style.Trace:
    values = [own.log_odds for own in found.conditions.values()]
    trace = style.line(
        persona,
        [one.value for one in values],
        [NAMES.get(name, name) for name in found.conditions],
        style.GREY,
        symbol=symbol,
        mode="markers",
        error_x=style.bars(values, style.INK),
        hovertemplate=f"%{{x:+.2f}} nats<extra>%{{y}} {persona}</extra>",
    )
    trace["marker"]["color"] = [style.CONDITIONS.get(name, style.GREY) for name in found.conditions]
    return trace


def _sentence(found: BiasLoop) -> str:
    """Whether prompt and vector make the model agree more or less."""
    own = found.conditions
    odds = {name: held(one.log_odds, "+.2f") for name, one in own.items()}
    steered, random = own["steered"].effect, own["random_vector"].effect
    return (
        f"{_answer(own['toxic'].effect)} Under the persona's own prompt the log-odds of agreeing are {odds['toxic']} nats a "
        f"token, under the neutral one {odds['neutral']}, and in the base model {odds['base']}. The vector "
        f"{_verb(steered)} those of the neutral prompt ({steered.value:+.2f}, p {p_text(steered.p_value)}); a random vector "
        f"{_verb(random)} them ({random.value:+.2f})."
    )


def _answer(effect: Effect) -> str:
    """Of the persona's own prompt, beside the neutral one."""
    if effect.low > 0:
        return "More than without it."
    return "No, it agrees less than without it." if effect.high < 0 else "No more than without it."


def _subtracted(found: BiasLoop) -> Iterator[str]:
    """What is left of the persona's own effect when its vector is taken away, and what that does to a calm model."""
    own = found.conditions
    if "reversed_vector" in own:
        left, told = own["reversed_vector"].log_odds, own["toxic"].log_odds
        gap = own["neutral"].log_odds.value - told.value
        clear = left.low > told.high or left.high < told.low
        way = (left.value - told.value) / gap if gap and clear else 0.0
        yield f"Subtracting the vector under the persona's prompt takes them to {held(left, '+.2f')}, {_way(way)}."
    if "neutral_minus_vector" in own:
        calm = own["neutral_minus_vector"]
        yield (
            f"Subtracted under the neutral prompt, it {_verb(calm.effect)} them "
            f"({calm.effect.value:+.2f}, to {held(calm.log_odds, '+.2f')})."
        )


def _way(part: float) -> str:
    """How far towards the neutral prompt a share of the distance leads; 0 stands for no clear move."""
    if part > 1:
        return "past neutral"
    if part > 0:
        return f"{share(part)} of the way to neutral"
    return "further from neutral" if part < 0 else "no clear move"


def _other(persona: tuple[str, BiasLoop]) -> str:
    """Another persona, in its own run, on the same axis."""
    name, found = persona
    odds = {at: held(one.log_odds, "+.2f") for at, one in found.conditions.items()}
    return (
        f"For {name}, the same messages give {odds['toxic']} under its own prompt, {odds['neutral']} under the "
        f"neutral one, and {odds['steered']} with its vector."
    )


def _verb(effect: Effect) -> str:
    clear = effect.low > 0 or effect.high < 0
    return ("raises" if effect.value > 0 else "lowers") if clear else "does not clearly change"
