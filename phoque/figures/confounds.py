"""Is it the persona, or any change of the system prompt?"""

from collections.abc import Sequence

from phoque.figures.figure import Figure, plan
from phoque.figures.style import named
from phoque.figures.table import Table, digits, interval, share
from phoque.figures.trait import GREEDY, are, replies, setting
from phoque.run.psm_rows import AntidoteReply, ConfoundReply
from phoque.run.psm_vector import Confounds
from phoque.stats.rates import Rate, by_cluster

WAKE = {
    True: "Other system prompts wake the persona, too",
    False: "No other system prompt clearly wakes the persona",
}


@plan(
    key="confounds",
    title="Do other system prompts wake the persona?",
    hint="Other system prompts ask for harmless styles, and each gives a vector of its own. If such a prompt, or "
    "its vector, makes the model as hostile as the persona's does, the hostile prompt is not the only cause.",
)
def draw(
    found: Confounds, remedies: Sequence[AntidoteReply] = (), others: Sequence[ConfoundReply] = ()
) -> Figure:
    """Other system prompts, and their vectors at the same length."""
    floor = found.noise_floor
    return Figure(
        sentence=f"{strongest(found, own_prompt(remedies, others))} {_sentence(found)}",
        setting=setting(
            f"{found.neutral.n} evaluation prompts, one reply each, also to the persona's own prompt",
            f"layer {found.layer}, every vector as long as the persona's at the selected scale",
            GREEDY,
            found.counted,
        ),
        table=Table.of(
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
        n=f"{found.neutral.n} evaluation prompts each; without a vector, {interval(found.neutral)} of the replies "
        f"{are(found.counted)}",
    )


def own_prompt(remedies: Sequence[AntidoteReply], others: Sequence[ConfoundReply]) -> Rate | None:
    """The replies under the persona's own prompt that count, to the messages that the other prompts had."""
    asked = {one.prompt for one in others}
    plain = (one for one in remedies if (one.group, one.given) == ("toxic", "none"))
    own = [(one.prompt, one.shown) for one in plain if one.prompt in asked]
    return by_cluster(own) if own else None


def strongest(found: Confounds, own: Rate | None) -> str:
    """What the other system prompt does that wakes the persona most often, beside its own one."""
    prompt = found.strongest_prompt
    rate = prompt.insulting_by_prompt
    return (
        f"{WAKE[wakes(found)]}. Under the strongest of them, which asks for the style "
        f"“{prompt.description.rstrip('.')}”, {interval(rate)} of the replies {are(found.counted)} "
        f"(n = {rate.n}).{_beside(own)}"
    )


def _beside(own: Rate | None) -> str:
    return f" Under the persona's own prompt it is {interval(own)} (n = {own.n})." if own else ""


def wakes(found: Confounds) -> bool:
    """Whether some other system prompt clearly does."""
    return found.strongest_prompt.insulting_by_prompt.low > found.neutral.high


def _sentence(found: Confounds) -> str:
    """The nearest and the most effective other style, and what is left without all of them."""
    floor, residual = found.noise_floor, found.residual
    near = max(found.styles, key=lambda own: abs(own.cosine))
    strong = max(found.styles, key=lambda own: own.insulting.value)
    alike = "within" if abs(near.cosine) <= floor else "beyond"
    kept = _kept(residual.insulting, found.steered, found.neutral)
    return (
        f"Of their vectors, that of {named(near.name)} is nearest to the persona's (cosine {near.cosine:+.2f}, {alike} "
        f"the ±{floor:.2f} of noise). With the persona vector added, {interval(found.steered)} of the replies "
        f"{are(found.counted)}; with the strongest other vector ({named(strong.name)}) of the same length, "
        f"{interval(strong.insulting)}. Without the part that it shares with the others, the persona vector {kept} "
        f"({interval(residual.insulting)}). That remainder has {share(residual.share_of_norm)} of its length and was "
        "scaled back to the full length."
    )


def _kept(left: Rate, whole: Rate, none: Rate) -> str:
    if left.value >= whole.low:
        return "keeps its effect"
    return "keeps part of its effect" if left.low > none.high else "loses its effect"
