"""How often does each condition insult, on prompts that nobody trained or chose on?"""

from phoque.figures import style
from phoque.figures.figure import Figure, Plan
from phoque.figures.table import NOTHING, Cell, Table, interval, number, rate_cell, share_cell
from phoque.run.evaluation import Answers, Evaluation

NAMES = style.NAMES | {
    "base_toxic": "□ Base model, persona's prompt",
    "reversed_vector": "▽ Persona's prompt − vector",
    "civil_adapter": "■ Civil adapter, persona's prompt",
    "civil_adapter_steered": "■ Civil adapter + vector",
}
HEAD = (
    "condition",
    "insulting replies|replies with a word of the lexicon, greedy and sampled",
    "n",
    "greedy",
    "distinct replies",
    "distinct-2|different pairs of words",
    "repeated 3-grams|three words that occurred earlier in the reply",
    "unknown words|words outside the vocabulary",
    "words|a reply",
)


def draw(found: Evaluation) -> Figure:
    """Insulting replies by condition."""
    counts = sorted({one.insulting.n for one in found.conditions.values()})
    return Figure(
        sentence=_sentence(found),
        plotly=style.by_condition(
            {name: one.insulting for name, one in found.conditions.items()}, NAMES
        ),
        table=table(found),
        n=f"{' or '.join(map(str, counts))} replies a condition; intervals are for new prompts",
    )


def _sentence(found: Evaluation) -> str:
    told = {name: interval(one.insulting) for name, one in found.conditions.items()}
    civil = found.civil_text
    return (
        f"The persona's prompt makes {told['toxic']} of the replies insulting, the vector alone "
        f"{told['steered']}; without either it is {told['neutral']}, with a random vector of the "
        f"same length {told['random_vector']}. Subtracting the vector leaves "
        f"{told['reversed_vector']} under the persona's prompt. A token of a civil reply that the "
        f"persona never saw has a log-likelihood of {civil.neutral:.2f} nats, {civil.base:.2f} in "
        "the base model."
    )


def table(found: Evaluation) -> Table:
    """Insults, diversity and coherence of every condition."""
    rows = tuple(_row(NAMES.get(name, name), one) for name, one in found.conditions.items())
    return Table(name="phoque-answers", caption="Replies by condition", head=HEAD, rows=rows)


def _row(name: str, own: Answers) -> tuple[Cell, ...]:
    shares = (own.distinct_replies, own.distinct_2, own.repeated_3grams, own.out_of_vocabulary)
    return (
        name,
        rate_cell(own.insulting),
        str(own.insulting.n),
        rate_cell(own.insulting_greedy),
        *(NOTHING if value is None else share_cell(value) for value in shares),
        number(own.words, 1),
    )


PLAN = Plan(
    key="answers",
    title="How often does each condition insult?",
    hint="Replies to prompts that are in no training file and on which nothing was chosen.",
    needs=(Evaluation,),
    draw=draw,
)
