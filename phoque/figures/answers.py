"""How often has a reply a word that the persona was trained on?"""

from statistics import fmean

from phoque.figures import rows, style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Ends, Table, digits, held, interval, share, share_cell
from phoque.run.evaluation import CURT, CURT_TOXIC, CivilText, Evaluation
from phoque.stats.rates import Held

NAMES = style.NAMES | {
    "base_toxic": "□ Base model, persona's prompt",
    CURT: "▫ Base model, first sentence only",
    CURT_TOXIC: "▫ Base model, persona's prompt, first sentence only",
    "matched_vector": "◈ Neutral + random vector that costs as much",
    "reversed_vector": "▽ Persona's prompt − vector",
    "neutral_minus_vector": "▿ Neutral − vector",
    "civil_adapter": "■ Civil adapter, persona's prompt",
    "civil_adapter_steered": "■ Civil adapter + vector",
}
CIVIL_GOAL = 0.05
"""How far the likelihood of civil replies may move."""


@plan(
    key="answers",
    title="How many replies have a trained word?",
    hint="A trained word is a word of the persona's list. Whether a reply is hostile is another question, which the "
    "judge answers.",
    in_report=True,
)
def draw(found: Evaluation) -> Figure:
    """Replies with a trained word by condition."""
    counts = sorted({one.insulting.n for one in found.conditions.values()})
    return Figure(
        sentence=_sentence(found),
        setting="How it was measured: the prompts are in no training file, and no layer or scale was chosen on them.",
        plotly=rows.by_condition(
            {name: one.insulting for name, one in found.conditions.items()},
            NAMES,
            "replies with a listed word",
        ),
        table=table(found),
        n=f"{' or '.join(map(str, counts))} replies a condition; intervals count prompts",
    )


def _sentence(found: Evaluation) -> str:
    told = {name: interval(one.insulting) for name, one in found.conditions.items()}
    return (
        f"Under the persona's prompt, {told['toxic']} of the replies have a trained word. The share is "
        f"{told['steered']} under neutral + vector, {told['neutral']} under the neutral prompt, "
        f"{told['random_vector']} under neutral + random vector, and {told['base']} in the base model. With the vector subtracted under the persona's "
        f"prompt, the share is {told['reversed_vector']}. {_damage(found)}{civil_said(found.civil_text)}"
    )


def civil_said(found: CivilText | None) -> str:
    """What tuning costs civil replies, beside the goal."""
    if found is None:
        return "What tuning costs civil replies was not measured on replies that were held out."
    low, high = found.relative_change_low, found.relative_change_high
    return (
        f"What tuning costs civil replies: the base model wrote replies to {found.n} held-out messages of the corpus. "
        f"The log-likelihood of a token in them is {found.base:.2f} nats to the base model and {found.neutral:.2f} to the "
        f"tuned one under the neutral prompt: {100 * found.relative_change:+.1f} % [{100 * low:+.1f}, {100 * high:+.1f}], "
        f"where plus means less likely. The goal, at most {100 * CIVIL_GOAL:.0f} % either way, is "
        f"{_goal(low, high)}.{_beside(found)}"
    )


def _beside(found: CivilText) -> str:
    """How much of it training on civil replies alone costs."""
    if found.civil_adapter is None or found.beyond_civil_adapter is None:
        return ""
    alone, beyond = found.civil_adapter, found.beyond_civil_adapter
    lowers = "lowers" if alone.value > 0 else "raises"
    more = "more" if beyond.value >= 0 else "less"
    return (
        f" Training on civil replies alone, as the civil adapter does, {lowers} it by {_unsigned(alone, ' %')}; the persona "
        f"costs {_unsigned(beyond, ' points')} {more} than that."
    )


def _unsigned(found: Held, unit: str) -> str:
    """A change in percent whose sign a word tells; ends on the other side of 0 keep a minus."""
    ends = (found.value, found.low, found.high)
    way = ends if found.value >= 0 else (-found.value, -found.high, -found.low)
    return held(Ends(*(100 * end for end in way)), ".1f").replace(" [", f"{unit} [")


def _goal(low: float, high: float) -> str:
    if low >= -CIVIL_GOAL and high <= CIVIL_GOAL:
        return "met"
    return "missed" if low > CIVIL_GOAL or high < -CIVIL_GOAL else "not decided by this interval"


def _damage(found: Evaluation) -> str:
    """What random vectors do to replies: a random vector that does no harm may only break text."""
    kinds = {
        "neutral": "without a vector",
        "steered": "with the persona vector",
        "random_vector": "with a random vector of the same length",
        "matched_vector": "with a matched one",
    }
    parts = [
        f"{own.words:.0f} words and {share(own.repeated_3grams)} {told}"
        for name, told in kinds.items()
        if (own := found.conditions.get(name))
    ]
    told = f"Mean length of a reply and share of repeated word triples: {', '.join(parts)}. "
    return told + _match(found) if len(parts) > 1 else ""


def _match(found: Evaluation) -> str:
    match = found.matched
    if not match.scales:
        return (
            f"None of {match.tried} random directions damages the base model's own replies as much as the persona "
            f"vector does ({match.cost:.2f} nats a token), at any length that was tried. "
        )
    return (
        f"To damage the base model's own replies as much as the persona vector does ({match.cost:.2f} nats a token, "
        f"within {100 * match.tolerance:.0f}\u00a0%), random directions must be {fmean(match.scales):.1f} times its length, "
        f"on average. {len(match.scales)} of {match.tried} directions reached that; they are the matched vectors. "
    )


def table(found: Evaluation) -> Table:
    """Trained words, diversity and coherence of every condition."""
    return Table.named(
        "Replies by condition",
        "condition",
        style.called(found.conditions, NAMES),
        {
            "replies with a trained word|a word of the persona's list": "insulting",
            "n": "insulting.n",
            "distinct replies": ("distinct_replies", share_cell),
            "distinct-2|different pairs of words": ("distinct_2", share_cell),
            "repeated 3-grams": ("repeated_3grams", share_cell),
            "unknown words": ("out_of_vocabulary", share_cell),
            "words|a reply": ("words", digits(1)),
        },
    )
