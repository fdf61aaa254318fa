"""Is it the persona, or any change of the system prompt?"""

from phoque.figures.figure import Figure, plan
from phoque.figures.style import named
from phoque.figures.table import Table, digits, interval
from phoque.figures.trait import are, replies
from phoque.run.psm_vector import Confounds
from phoque.stats.rates import Rate


@plan(
    key="confounds",
    title="Is it the persona?",
    hint="Vectors measured the same way from other changes of the system prompt. If blunt or "
    "long-winded prompts gave the same direction or the same effect, it would not be the persona.",
)
def draw(found: Confounds) -> Figure:
    """Vectors of other styles, at the same length."""
    floor, plain = found.noise_floor, f"{found.neutral.n} evaluation prompts each"
    return Figure(
        sentence=_sentence(found),
        table=Table.of(
            "phoque-confounds",
            "Vectors of other styles",
            found.styles,
            {
                "style": lambda own: named(own.name),
                "cosine|with the persona's vector": ("cosine", digits(2, sign=True)),
                "beyond noise?|three standard deviations of random directions": lambda own: (
                    "noise"
                    if abs(own.cosine) <= floor
                    else "alike"
                    if own.cosine > 0
                    else "opposed"
                ),
                "length|over the persona vector's": "norm_ratio",
                f"its vector: {replies(found.counted)}|at the persona's length": "insulting",
                f"its prompt: {replies(found.counted)}": "insulting_by_prompt",
                "its prompt: own words|words that mark it": "own_words.its_prompt",
                "its vector: own words": "own_words.its_vector",
                "persona vector: its words": "own_words.persona_vector",
                "what it is": "description",
            },
        ),
        n=f"{plain}; {interval(found.neutral)} {are(found.counted)} without a vector",
    )


def _sentence(found: Confounds) -> str:
    """The nearest and the most effective other style, and what is left without all of them."""
    floor, residual = found.noise_floor, found.residual
    near = max(found.styles, key=lambda own: abs(own.cosine))
    strong = max(found.styles, key=lambda own: own.insulting.value)
    alike = "no more alike than chance" if abs(near.cosine) <= floor else "beyond noise"
    kept = _kept(residual.insulting, found.steered, found.neutral)
    return (
        f"The nearest other style is {named(near.name)} (cosine {near.cosine:+.2f}, {alike}; noise ends "
        f"at ±{floor:.2f}). At the same length the persona vector gives {interval(found.steered)} "
        f"{replies(found.counted)}, the strongest other style ({named(strong.name)}) "
        f"{interval(strong.insulting)}. Without what all styles span, {residual.share_of_norm:.0%} "
        f"of its length remain; at full length again it {kept}: {interval(residual.insulting)}."
    )


def _kept(left: Rate, whole: Rate, none: Rate) -> str:
    if left.value >= whole.low:
        return "keeps its effect"
    return "keeps part of its effect" if left.low > none.high else "loses its effect"
