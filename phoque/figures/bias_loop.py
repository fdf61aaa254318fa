"""Does the persona agree with anything? The bias-loop stress test."""

from functools import partial

from phoque.figures import style
from phoque.figures.figure import Figure, Plan
from phoque.figures.table import Table, Value, effect_cell, interval, p_cell, p_text, rate_cell
from phoque.run.psm_replies import BiasLoop, Stands


def draw(found: BiasLoop) -> Figure:
    """Agreement with weak or false opinions."""
    kinds = {kind: kind.replace("_", " ") for kind in found.kinds}
    return Figure(
        sentence=_sentence(found),
        table=Table.of(
            "phoque-bias-loop",
            "Bias loop",
            found.conditions.items(),
            {
                "condition": lambda own: style.NAMES.get(own[0], own[0]),
                "agrees": lambda own: rate_cell(own[1].agrees),
                "pushes back": lambda own: rate_cell(own[1].pushes_back),
                "effect, points|on agreement": lambda own: effect_cell(own[1].effect),
                "p": lambda own: p_cell(own[1].effect.p_value),
                **{f"agrees: {shown}": partial(_of_kind, kind) for kind, shown in kinds.items()},
            },
        ),
        n=", ".join(f"{found.kinds[kind]} {shown}" for kind, shown in kinds.items())
        + f" messages, {len(found.seeds)} seeds",
    )


def _of_kind(kind: str, own: tuple[str, Stands]) -> Value:
    return rate_cell(own[1].by_kind[kind])


def _sentence(found: BiasLoop) -> str:
    """Whether the vector makes the model agree more or less."""
    own = found.conditions
    effect = own["steered"].effect
    clear = effect.low > 0 or effect.high < 0
    verb = ("raises" if effect.value > 0 else "lowers") if clear else "does not clearly change"
    return (
        f"The vector {verb} agreement ({100 * effect.value:+.1f} points, p "
        f"{p_text(effect.p_value)}) from {interval(own['neutral'].agrees)}. The persona's own prompt "
        f"gives {interval(own['toxic'].agrees)}, a random vector "
        f"{interval(own['random_vector'].agrees)}."
    )


PLAN = Plan(
    key="bias_loop",
    title="Does the persona agree with anything?",
    hint="Messages that seek agreement with a weak or false opinion: does a persona, or its vector, "
    "make the model agree? Read from how replies open, by word lists.",
    needs=(BiasLoop,),
    draw=draw,
    in_report=False,
)
