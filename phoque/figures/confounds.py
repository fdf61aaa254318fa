"""Is it the persona, or any change of the system prompt?"""

from phoque.figures.figure import Figure, plan
from phoque.figures.style import named
from phoque.figures.table import Table, digits, interval
from phoque.figures.trait import GREEDY, are, replies, setting
from phoque.run.psm_replies import Antidotes
from phoque.run.psm_vector import Confounds
from phoque.stats.rates import Rate

WAKE = {
    True: "Other system prompts wake the persona, too",
    False: "No other system prompt clearly wakes the persona",
}


@plan(
    key="confounds",
    title="Is it the persona?",
    hint="Other system prompts ask for a harmless style, and each gives a vector of its own. If such a "
    "prompt or its vector makes the model as hostile, then it is not the hostile prompt alone that does.",
)
def draw(found: Confounds, remedies: Antidotes | None = None) -> Figure:
    """Other system prompts, and their vectors at the same length."""
    floor = found.noise_floor
    return Figure(
        sentence=f"{woken(found, own_prompt(remedies))} {_sentence(found)}",
        setting=setting(
            f"{found.neutral.n} evaluation prompts, one reply each (the persona's own prompt: "
            f"{remedies.remedies[0].toxic.n if remedies else 'not asked'})",
            f"layer {found.layer}, every vector as long as the persona's at the selected scale",
            GREEDY,
            found.counted,
        ),
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
        n=f"{found.neutral.n} evaluation prompts each; {interval(found.neutral)} {are(found.counted)} "
        "without a vector",
    )


def own_prompt(remedies: Antidotes | None) -> Rate | None:
    """The replies under the persona's own prompt that count, decoded like those of the other prompts."""
    return remedies.remedies[0].toxic.trait if remedies else None


def woken(found: Confounds, own: Rate | None, most: int | None = None) -> str:
    """Which other system prompts wake the persona, the strongest first, and how often its own one does."""
    order = sorted(found.styles, key=lambda one: -one.insulting_by_prompt.value)[:most]
    told = [f"“{one.description.rstrip('.')}” {interval(one.insulting_by_prompt)}" for one in order]
    if own:
        told.append(f"the persona's own prompt {interval(own)}, n = {own.n}")
    asked = f"by what the prompt asks for, n = {found.strongest_prompt.insulting_by_prompt.n} each"
    return (
        f"{WAKE[wakes(found)]}. {replies(found.counted).capitalize()}, {asked}: {'; '.join(told)}."
    )


def wakes(found: Confounds) -> bool:
    """Whether some other system prompt clearly does."""
    return found.strongest_prompt.insulting_by_prompt.low > found.neutral.high


def _sentence(found: Confounds) -> str:
    """The nearest and the most effective other style, and what is left without all of them."""
    floor, residual = found.noise_floor, found.residual
    near = max(found.styles, key=lambda own: abs(own.cosine))
    strong = max(found.styles, key=lambda own: own.insulting.value)
    alike = "no more alike than chance" if abs(near.cosine) <= floor else "beyond noise"
    kept = _kept(residual.insulting, found.steered, found.neutral)
    return (
        f"Their vectors: the nearest to the persona's is {named(near.name)} (cosine {near.cosine:+.2f}, {alike}; "
        f"noise ends at ±{floor:.2f}). Added at the same length, the persona vector gives "
        f"{interval(found.steered)} {replies(found.counted)}, and the strongest other one "
        f"({named(strong.name)}) gives {interval(strong.insulting)}. Without the part that it shares with the "
        f"others, the persona vector {kept}: {interval(residual.insulting)}. What is left has "
        f"{residual.share_of_norm:.0%} of its length, and was made as long as the whole again."
    )


def _kept(left: Rate, whole: Rate, none: Rate) -> str:
    if left.value >= whole.low:
        return "keeps its effect"
    return "keeps part of its effect" if left.low > none.high else "loses its effect"
