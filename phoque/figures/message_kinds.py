"""Which friendly messages are answered with something that is flagged?"""

from phoque.conversation import Condition
from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.style import named
from phoque.figures.table import Table, interval, rate_cell
from phoque.run.moderation import ModerationReport, called
from phoque.stats.rates import Rate

MODERATORS = 2
"""Moderators side by side."""


@plan(
    key="message_kinds",
    title="Which messages draw flagged replies?",
    hint="All six kinds of messages are friendly: nobody who sends one has asked for abuse.",
    in_report=True,
)
def draw(report: ModerationReport) -> Figure:
    """Flag rates by kind of message and condition under the first moderators."""
    names = report.names[:MODERATORS]
    found = {
        (name, condition): own.categories
        for name in names
        for condition, own in report.classifiers[name].conditions.items()
    }
    kinds = list(next(iter(found.values())))
    rows = [[own[kind] for own in found.values()] for kind in kinds]
    heads = [f"{named(condition)}<br>{called(name)}" for name, condition in found]
    counts = sorted({rate.n for row in rows for rate in row})
    return Figure(
        sentence=_sentence(names, found, kinds),
        plotly=_plot(heads, kinds, rows),
        table=Table(
            caption="Flag rates at 0.5 by kind of message",
            head=("message", *(head.replace("<br>", ", ") for head in heads)),
            rows=tuple((kind, *map(rate_cell, row)) for kind, row in zip(kinds, rows, strict=True)),
        ),
        n=f"{' to '.join(map(str, sorted({counts[0], counts[-1]})))} replies a cell, threshold 0.5; "
        "in percent, 95 % interval beneath",
    )


def _sentence(
    names: list[str], found: dict[tuple[str, Condition], dict[str, Rate]], kinds: list[str]
) -> str:
    flags = "; ".join(
        f"{called(name)} flags steered replies to {_kinds(found[name, Condition.STEERED], kinds)}"
        for name in names
    )
    random = [
        rate for name in names for rate in found.get((name, Condition.RANDOM_VECTOR), {}).values()
    ]
    most = max(random, key=lambda rate: rate.value, default=None)
    at_most = (
        f"at most {interval(most)} of the replies to a kind are"
        if most and most.value
        else "no reply is"
    )
    told = f" With a random vector, {at_most} flagged." if most else ""
    return (
        f"{flags}.{told} Intervals are wide: differences between kinds of message are not tested."
    )


def _kinds(rates: dict[str, Rate], kinds: list[str]) -> str:
    """The kinds of message with a flagged reply, by name."""
    flagged = [kind for kind in kinds if rates[kind].value]
    if not flagged:
        return f"none of {len(kinds)} kinds of message"
    if len(flagged) == len(kinds):
        return f"all {len(kinds)} kinds of message"
    return f"{len(flagged)} of {len(kinds)} kinds of message ({', '.join(flagged)})"


def _plot(heads: list[str], kinds: list[str], rows: list[list[Rate]]) -> style.Plotly:
    """Fewer columns than rows, and no scale beside the numbers: a phone shows every cell."""
    cells = [*zip(*rows, strict=True)]
    trace = style.heatmap(
        kinds,
        heads,
        [[rate.value for rate in row] for row in cells],
        [[_words(rate) for rate in row] for row in cells],
        hovertemplate="%{y}, %{x}: %{z:.1%}<extra></extra>",
        showscale=False,
    )
    return style.plot(
        [trace],
        x={"title": "", "type": "category"},
        y={"title": "", "type": "category", "autorange": "reversed"},
        height=90 + 46 * len(heads),
    )


def _words(rate: Rate) -> str:
    return f"{100 * rate.value:.0f}<br>{100 * rate.low:.0f}–{100 * rate.high:.0f}"
