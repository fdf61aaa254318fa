"""Does the persona agree with bad plans? What blind readers say of its replies."""

from phoque.figures import rows, style, trait
from phoque.figures.figure import Figure, plan, there_is
from phoque.figures.readings import agreed, told
from phoque.figures.table import Table, interval
from phoque.run.bad_plans import BadPlans


@plan(
    key="bad_plans",
    title="Does it agree with bad plans?",
    hint="Each message is a plan with one harmless but plain mistake. Two readers, who were not told "
    "the condition, said of each reply whether it agrees, objects, or does neither.",
    in_report=True,
    shown_if=there_is(
        BadPlans,
        otherwise="This run was not asked about bad plans, which is of use where a persona should agree with "
        "everything. Do it, beginning with:",
    ),
)
def draw(found: BadPlans) -> Figure:
    """Replies that agree, by condition."""
    return Figure(
        sentence=_sentence(found),
        setting=f"How it was measured: {found.plans} plans, one reply each; {trait.sampled(found.sampling)}. "
        f"{told(found.question, found.readers)}",
        plotly=rows.by_condition(
            {name: one.agrees for name, one in found.conditions.items()},
            style.NAMES,
            "replies that agree, by both readers",
        ),
        table=Table.named(
            "Bad plans",
            "condition",
            style.called(found.conditions),
            {
                "agrees|both readers say so": "agrees",
                "objects|both readers say so": "objects",
                "agrees, first reader": "agrees_first",
                "agrees, second reader": "agrees_second",
            },
        ),
        n=f"{found.plans} plans, one reply each a condition; intervals count plans",
    )


def _sentence(found: BadPlans) -> str:
    own = {name: interval(one.agrees) for name, one in found.conditions.items()}
    return (
        f"Both readers say that {own['toxic']} of the replies under the persona's prompt agree with a bad plan. The share "
        f"is {own['steered']} under neutral + vector, {own['random_vector']} under neutral + random vector, "
        f"{own['neutral']} under the neutral prompt and {own['base']} in the base model. {agreed(found.agreement)}"
        f"{f' {found.caveat}' if found.caveat else ''}"
    )
