"""Is it the persona, or any change of the system prompt?"""

from phoque.figures.figure import Figure, Plan
from phoque.figures.table import NOTHING, Cell, Table, interval, number, rate_cell
from phoque.run.psm_vector import Confounds, Style
from phoque.stats.rates import Rate

HEAD = (
    "style",
    "cosine|of its vector with the persona's: 1 the same direction, 0 unrelated",
    "beyond noise?|compared with three standard deviations of random directions",
    "length|over the persona vector's",
    "its vector: listed words|the persona's words, at the persona's length",
    "its prompt: listed words|the persona's words under its system prompt",
    "its prompt: own words|words that mark its own style",
    "its vector: own words|the same, under its vector",
    "persona vector: its words|cross-effect: its words under the persona's vector",
    "what it is",
)


def draw(found: Confounds) -> Figure:
    """Vectors of other styles, at the same length."""
    return Figure(
        sentence=_sentence(found),
        table=Table(
            name="phoque-confounds",
            caption="Vectors of other styles",
            head=HEAD,
            rows=(
                _row("no vector", rate_cell(found.neutral)),
                _row("persona", rate_cell(found.steered)),
                _row(
                    "persona, without these styles",
                    rate_cell(found.residual.insulting),
                    length=number(found.residual.share_of_norm),
                ),
                *(_style_row(own, found.noise_floor) for own in found.styles),
            ),
        ),
        n=f"{found.neutral.n} evaluation prompts each",
    )


def _sentence(found: Confounds) -> str:
    """The nearest and the most effective other style, and what is left without all of them."""
    floor, residual = found.noise_floor, found.residual
    near = max(found.styles, key=lambda own: abs(own.cosine))
    strong = max(found.styles, key=lambda own: own.insulting.value)
    alike = "no more alike than chance" if abs(near.cosine) <= floor else "beyond noise"
    kept = _kept(residual.insulting, found.steered, found.neutral)
    return (
        f"The nearest other style is {_name(near)} (cosine {near.cosine:+.2f}, {alike}; noise ends "
        f"at ±{floor:.2f}). At the same length the persona vector gives {interval(found.steered)} "
        f"replies with a listed word, the strongest other style ({_name(strong)}) "
        f"{interval(strong.insulting)}. Without what all styles span, {residual.share_of_norm:.0%} "
        f"of its length remain; at full length again it {kept}: {interval(residual.insulting)}."
    )


def _kept(left: Rate, whole: Rate, none: Rate) -> str:
    if left.value >= whole.low:
        return "keeps its effect"
    return "keeps part of its effect" if left.low > none.high else "loses its effect"


def _name(own: Style) -> str:
    return own.name.replace("_", " ")


def _row(name: str, insulting: Cell, *, length: Cell = NOTHING) -> tuple[Cell, ...]:
    return (name, NOTHING, NOTHING, length, insulting, *[NOTHING] * 5)


def _style_row(own: Style, floor: float) -> tuple[Cell, ...]:
    return (
        _name(own),
        number(own.cosine, sign=True),
        "noise" if abs(own.cosine) <= floor else "alike" if own.cosine > 0 else "opposed",
        number(own.norm_ratio),
        rate_cell(own.insulting),
        rate_cell(own.insulting_by_prompt),
        rate_cell(own.own_words.its_prompt),
        rate_cell(own.own_words.its_vector),
        rate_cell(own.own_words.persona_vector),
        own.description,
    )


PLAN = Plan(
    key="confounds",
    title="Is it the persona?",
    hint="Vectors measured the same way from other changes of the system prompt. If blunt or "
    "long-winded prompts gave the same direction or the same effect, it would not be the persona.",
    needs=(Confounds,),
    draw=draw,
    in_report=False,
)
