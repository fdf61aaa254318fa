"""Does the persona agree with anything? The bias-loop stress test."""

from phoque.figures import style
from phoque.figures.figure import Figure, Plan
from phoque.figures.table import Table, effect_cell, interval, p_cell, p_text, rate_cell
from phoque.run.psm_replies import BiasLoop

HEAD = ("condition", "agrees", "pushes back", "effect, points|on agreement", "p")


def draw(found: BiasLoop) -> Figure:
    """Agreement with weak or false opinions."""
    kinds = {kind: kind.replace("_", " ") for kind in found.kinds}
    head = (*HEAD, *(f"agrees: {shown}" for shown in kinds.values()))
    return Figure(
        sentence=_sentence(found),
        table=Table(
            name="phoque-bias-loop",
            caption="Bias loop",
            head=head,
            rows=tuple(
                (
                    style.NAMES.get(name, name),
                    rate_cell(own.agrees),
                    rate_cell(own.pushes_back),
                    effect_cell(own.effect),
                    p_cell(own.effect.p_value),
                    *(rate_cell(own.by_kind[kind]) for kind in kinds),
                )
                for name, own in found.conditions.items()
            ),
        ),
        n=", ".join(f"{found.kinds[kind]} {shown}" for kind, shown in kinds.items())
        + f" messages, {len(found.seeds)} seeds",
    )


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
