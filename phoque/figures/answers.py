"""How often has a reply a word that the persona was trained on?"""

from statistics import fmean

from phoque.figures import rows, style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, digits, interval, share, share_cell
from phoque.run.evaluation import Evaluation

NAMES = style.NAMES | {
    "base_toxic": "□ Base model, persona's prompt",
    "matched_vector": "◈ Neutral + random vector that costs as much",
    "reversed_vector": "▽ Persona's prompt − vector",
    "neutral_minus_vector": "▿ Neutral − vector",
    "civil_adapter": "■ Civil adapter, persona's prompt",
    "civil_adapter_steered": "■ Civil adapter + vector",
}


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
    civil = found.civil_text
    return (
        f"Under the persona's prompt {told['toxic']} of the replies have a trained word, with the "
        f"vector alone {told['steered']}; without either it is {told['neutral']}, with a random vector of the "
        f"same length {told['random_vector']}. Subtracting the vector leaves "
        f"{told['reversed_vector']} under the persona's prompt. {_damage(found)}A token of a civil reply that the "
        f"persona never saw has a log-likelihood of {civil.neutral:.2f} nats, {civil.base:.2f} in "
        "the base model."
    )


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
