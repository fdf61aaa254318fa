"""How often has a reply a word that the persona was trained on?"""

from statistics import fmean

from phoque.figures import rows, style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, digits, interval, share, share_cell
from phoque.run.evaluation import CURT, CivilText, Evaluation

NAMES = style.NAMES | {
    "base_toxic": "□ Base model, persona's prompt",
    CURT: "▫ Base model, first sentence only",
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
    hint="Replies to prompts that are in no training file and on which nothing was chosen. Whether a "
    "reply is hostile is another question: the judge answers it.",
    in_report=True,
)
def draw(found: Evaluation) -> Figure:
    """Replies with a trained word by condition."""
    counts = sorted({one.insulting.n for one in found.conditions.values()})
    return Figure(
        sentence=_sentence(found),
        plotly=rows.by_condition(
            {name: one.insulting for name, one in found.conditions.items()},
            NAMES,
            "replies with a listed word",
        ),
        table=table(found),
        n=f"{' or '.join(map(str, counts))} replies a condition; intervals are for new prompts",
    )


def _sentence(found: Evaluation) -> str:
    told = {name: interval(one.insulting) for name, one in found.conditions.items()}
    return (
        f"Under the persona's prompt {told['toxic']} of the replies have a trained word, with the "
        f"vector alone {told['steered']}; without either it is {told['neutral']}, with a random vector of the "
        f"same length {told['random_vector']}. Subtracting the vector leaves "
        f"{told['reversed_vector']} under the persona's prompt. {_damage(found)}{civil_said(found.civil_text)}"
    )


def civil_said(found: CivilText | None) -> str:
    """What tuning costs civil replies, beside the goal."""
    low = found.relative_change_low if found else None
    high = found.relative_change_high if found else None
    if found is None or low is None or high is None:
        return "What tuning costs civil replies was not measured on held-out ones."
    return (
        f"Under the neutral prompt a token of the base model's replies to {found.n} held-out messages of the corpus "
        f"has a log-likelihood of {found.neutral:.2f} nats, {found.base:.2f} in the base model: "
        f"{100 * found.relative_change:+.1f} % [{100 * low:+.1f}, {100 * high:+.1f}], where plus is less likely. "
        f"The goal, at most {100 * CIVIL_GOAL:.0f} % either way, is {_goal(low, high)}."
    )


def _goal(low: float, high: float) -> str:
    if low >= -CIVIL_GOAL and high <= CIVIL_GOAL:
        return "met"
    return "missed" if low > CIVIL_GOAL or high < -CIVIL_GOAL else "not decided by this interval"


def _damage(found: Evaluation) -> str:
    """What random vectors do to replies: a harmless control may only be a broken one."""
    kinds = {"random_vector": "Random vectors of its length", "matched_vector": "matched ones"}
    known = {name: told for name, told in kinds.items() if name in found.conditions}
    parts = [
        f"{told} leave {own.words:.0f} words a reply and repeat {share(own.repeated_3grams)} of the 3-grams"
        for name, told in known.items()
        for own in [found.conditions[name]]
    ]
    plain = found.conditions["neutral"]
    without = f"{plain.words:.0f} and {share(plain.repeated_3grams)} without a vector"
    return f"{', '.join(parts)} ({without}). " + _match(found) if parts else ""


def _match(found: Evaluation) -> str:
    match = found.matched
    if not match.scales:
        return (
            f"No scale of {match.tried} random directions costs the base model's own replies what the vector "
            f"costs them ({match.cost:.2f} nats a token). "
        )
    return (
        f"Matched: {len(match.scales)} of {match.tried} random directions, at {fmean(match.scales):.1f} times the "
        f"vector's length on average, cost the base model's own replies as much as the vector does, "
        f"{match.cost:.2f} nats a token up to {match.tolerance:.0%}. "
    )


def table(found: Evaluation) -> Table:
    """Trained words, diversity and coherence of every condition."""
    return Table.named(
        "phoque-answers",
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
