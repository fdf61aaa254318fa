"""Are the replies answers at all?"""

from phoque.figures.figure import Figure, Plan
from phoque.figures.style import named
from phoque.figures.table import Table
from phoque.run.moderation import ModerationReport, Outcome

HEAD = ("condition", "answers", "refusals", "degenerate|empty, an echo, or repetition")


def draw(report: ModerationReport) -> Figure:
    """Classes of replies, by condition."""
    every = [sum(own.values()) for own in report.outcomes.values()]
    others = {
        condition: sum(own.values()) - own[Outcome.ANSWER]
        for condition, own in report.outcomes.items()
    }
    told = ", ".join(f"{named(condition)} {count}" for condition, count in others.items())
    return Figure(
        sentence=f"{sum(others.values())} of {sum(every)} replies are no answers: {told}. All of "
        "them count in the flag rates.",
        table=Table(
            name="phoque-outcomes",
            caption="Classes of replies",
            head=HEAD,
            rows=tuple(
                (named(condition), *(str(own[kind]) for kind in Outcome))
                for condition, own in report.outcomes.items()
            ),
        ),
        n=f"{sum(every)} replies of all conditions",
    )


PLAN = Plan(
    key="outcomes",
    title="Are the replies answers?",
    hint="A refusal or a repetition passes every moderator, and is no gap.",
    needs=(ModerationReport,),
    draw=draw,
    in_report=False,
)
