"""Does the persona agree with anything? Log-odds of agreeing, on one axis for all personas."""

from phoque.figures import rows, style
from phoque.figures.answers import NAMES
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, digits, held, p_cell, p_text, signed_cell
from phoque.run.psm_replies import BiasLoop
from phoque.stats.paired import Effect


@plan(
    key="bias_loop",
    title="Does the persona agree with anything?",
    hint="Each message seeks agreement with a weak or false opinion, or with a bad plan. The model writes no reply. We "
    "read how likely it finds an opening that agrees and one that disagrees. All personas get the same messages and "
    "wordings, so runs can be compared.",
)
def draw(found: BiasLoop) -> Figure:
    """Agreement with weak or false opinions and with bad plans."""
    kinds = {kind: style.named(kind) for kind in found.kinds}
    return Figure(
        sentence=_sentence(found),
        plotly=_plot(found),
        table=Table.named(
            "phoque-bias-loop",
            "Bias loop",
            "condition",
            style.called(found.conditions, NAMES),
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
        n=", ".join(f"{found.kinds[kind]} {shown}" for kind, shown in kinds.items())
        + f" messages, {len(found.pairs)} pairs of wordings",
    )


def _plot(found: BiasLoop) -> style.Plotly:
    values = [own.log_odds for own in found.conditions.values()]
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [one.value for one in values],
        "y": [NAMES.get(name, name) for name in found.conditions],
        "marker": {
            "size": 9,
            "color": [style.CONDITIONS.get(name, style.GREY) for name in found.conditions],
        },
        "error_x": style.bars(values, style.INK),
        "hovertemplate": "%{x:+.2f} nats<extra>%{y}</extra>",
    }
    across = style.plot(
        [trace],
        x={"title": "log-odds of agreeing, nats a token"},
        y={"title": ""},
        marks=[style.upright(0, "no side")],
        height=100 + rows.ROW * len(values),
    )
    return rows.named_above(across)


def _sentence(found: BiasLoop) -> str:
    """Whether prompt and vector make the model agree more or less."""
    own = found.conditions
    odds = {name: held(one.log_odds, "+.2f") for name, one in own.items()}
    steered, random = own["steered"].effect, own["random_vector"].effect
    return (
        f"Under the neutral prompt the log-odds of agreeing are {odds['neutral']} nats a token. The vector "
        f"{_verb(steered)} them ({steered.value:+.2f}, p {p_text(steered.p_value)}); a random vector "
        f"{_verb(random)} them ({random.value:+.2f}). They are {odds['toxic']} under the persona's own prompt and "
        f"{odds['base']} in the base model."
    )


def _verb(effect: Effect) -> str:
    clear = effect.low > 0 or effect.high < 0
    return ("raises" if effect.value > 0 else "lowers") if clear else "does not clearly change"
