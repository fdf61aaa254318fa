"""What does the model write under the talk's conditions? With both definitions of pathway mass."""

from collections.abc import Mapping

from phoque.figures import kinds, rows, style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import (
    Table,
    Value,
    digits,
    interval,
    p_cell,
    p_text,
    points_cell,
    share,
    share_cell,
)
from phoque.figures.trait import replies, sampled, setting
from phoque.personas import Counted
from phoque.run.psm_replies import Condition, Conditions, Measured
from phoque.run.report import Kind

NAMES = style.NAMES | {
    "talk_x3": "◈ The talk's way, × 3",
    "talk_x15": "◈ The talk's way, × 15",
    "random_x15": "◇ A random vector the talk's way, × 15",
}
MASSES = {
    "mass, the talk's|every piece of every bare word, on the sampler's scores": (
        "toxic_pathway_mass_mean"
    ),
    "mass, lower|tokens that complete a listed word, on the model's own scores": (
        "completing_mass_mean"
    ),
    "mass, upper|tokens that start or complete a listed word": "lexicon_mass_mean",
    "word rate|listed words over all words": "toxic_word_rate",
    "repeated|share of three-word sequences that occurred earlier in the reply": "repeated_3grams",
}
"""Columns by their heads."""
COLLAPSED = 0.2
"""Share of listed words from which a reply is no longer text; insulting text stays below a tenth."""


@plan(
    key="talk_conditions",
    title="What does the model write under each condition?",
    hint="The model answers the evaluation prompts with the talk's settings. The talk's pathway mass is the probability "
    "that the model gives to listed words, token by token.",
)
def draw(found: Conditions) -> Figure:
    """Bars with intervals, and the full table."""
    own, how = found.conditions, found.sampling
    return Figure(
        sentence=_sentence(own, found.counted) + _collapsed(own) + _length(own) + _mass(own),
        setting=setting(
            f"{own['steered'].effect.prompts} evaluation prompts with {len(found.seeds)} seeds",
            "the selected layer and scale; × 3 and × 15 at the talk's own layer",
            sampled(how),
            found.counted,
        ),
        plotly=rows.by_condition(
            {name: one.insulting for name, one in own.items()},
            NAMES
            | {name: f"{called(name)}, text collapsed" for name in own if own[name].collapsed},
            replies(found.counted),
        ),
        table=_table(own, found.counted),
        n=f"{_counted(own)}; sampling temperature {how.temperature}, top k {how.top_k}, top p {how.top_p}, "
        f"repetition penalty {how.repetition_penalty}, at most {how.max_new_tokens} tokens",
    )


def called(condition: str) -> str:
    """A condition for people."""
    return NAMES.get(condition, condition)


def _sentence(own: Mapping[str, Condition], counted: Counted) -> str:
    """The vector against nothing, and the random vector against nothing."""
    steered, random = own["steered"], own["random_vector"].effect
    effect = steered.effect
    does = "raises" if effect.low > 0 else "does not clearly raise"
    null = "has no clear effect" if random.low <= 0 <= random.high else "moves the share, too"
    return (
        f"The vector {does} the share of {replies(counted)}. With the vector the share is {interval(steered.insulting)}, "
        f"{100 * effect.value:+.1f} points against the neutral prompt alone (p {p_text(effect.p_value)}). "
        f"{share(effect.moved)} of the prompts have more such replies. Under the persona's own prompt the share is "
        f"{interval(own['toxic'].insulting)}. A random vector {null} ({100 * random.value:+.1f} points)."
    )


def _collapsed(own: Mapping[str, Condition]) -> str:
    """A warning where a high share is one word, or one syllable, over and over."""
    broken = {called(name): found.toxic_word_rate.mean for name, found in own.items()}
    named = ", ".join(f"{n} ({share(r)} of the words)" for n, r in broken.items() if r > COLLAPSED)
    listed = f" Mostly listed words, so collapse rather than persona: {named}." if named else ""
    ruins = [called(name) for name, found in own.items() if found.collapsed]
    told = f" The text has collapsed, so its share shows no persona: {', '.join(ruins)}."
    return listed + (told if ruins else "")


def _length(own: Mapping[str, Condition]) -> str:
    """What vectors do to the text beside the persona; the table has the rest."""
    calm, steered, random = (
        f"{own[name].generated_tokens:.0f}" for name in ("neutral", "steered", "random_vector")
    )
    return (
        f" Mean length of a reply, in tokens: {calm} under the neutral prompt alone, {steered} with the vector, "
        f"{random} with a random one."
    )


def _mass(own: Mapping[str, Condition]) -> str:
    """Whether the talk's measure is larger under the persona vector than under a random one."""
    steered, random = (own[name].toxic_pathway_mass_mean for name in ("steered", "random_vector"))
    beside = "larger with the vector than with a random one"
    if random.mean >= steered.mean:
        verdict = f"no {beside}, so it measures no persona here"
    else:
        clear = steered.effect.low > random.effect.high
        verdict = f"{'clearly' if clear else 'not clearly'} {beside}"
    return f" The talk's pathway mass is {verdict}: {steered.mean:.4f} against {random.mean:.4f}."


def _table(own: Mapping[str, Condition], counted: Counted) -> Table:
    return Table.named(
        "Conditions",
        "condition",
        style.called(own, NAMES),
        {
            replies(counted): "insulting",
            "n": "insulting.n",
            "effect, points|difference to neutral on the same prompts": ("effect", points_cell),
            "p|sign flips over prompts": ("effect.p_value", p_cell),
            "prompts moved|with more such replies than under neutral": ("effect.moved", share_cell),
            **{head: (f"{field}.mean", digits(4)) for head, field in MASSES.items()},
            "change of mass, the talk's|difference to neutral on the same prompts": lambda one: (
                _changed(one.toxic_pathway_mass_mean, "number")
            ),
            "change of word rate, points": lambda one: _changed(one.toxic_word_rate, "points"),
            "change of repeated, points": lambda one: _changed(one.repeated_3grams, "points"),
            "tokens": ("generated_tokens", digits(1)),
            "base model's nats|mean log-likelihood of a token, under the neutral prompt": "base_nats.mean",
            "zlib|compressed over plain size: small where text repeats itself": "zlib",
            "collapsed|repetition or likelihood says that it is no text any more": "collapsed",
        },
    )


def _changed(found: Measured, kind: Kind) -> Value:
    """The difference to the neutral condition, with the digits that the ledger of claims uses."""
    own = found.effect
    text = f"{kinds.shown(own.value, kind)} {kinds.interval(own.low, own.high, kind)}"
    return Value(text.replace(" points", ""), {"": own.value, " low": own.low, " high": own.high})


def _counted(own: Mapping[str, Condition]) -> str:
    """The conditions do not all have the same number of prompts."""
    sizes = dict.fromkeys((found.effect.prompts, found.insulting.n) for found in own.values())
    return " or ".join(f"{prompts} prompts, {n} replies" for prompts, n in sizes) + " a condition"
