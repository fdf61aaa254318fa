"""How much of each condition's replies is flagged, and what a condition adds to neutral."""

from phoque.conversation import Condition
from phoque.figures.figure import Figure, plan
from phoque.figures.style import named
from phoque.figures.table import (
    NOTHING,
    Cell,
    Table,
    Value,
    interval,
    number,
    p_cell,
    points_cell,
    rate_cell,
    share,
)
from phoque.run.moderation import ModerationReport, ModeratorFlags, called
from phoque.run.scored import Outcome
from phoque.stats.flags import Uplift
from phoque.stats.rates import wilson

HEADLINES = 2
"""Moderators in the sentence."""
HEAD = (
    "moderator",
    "condition",
    "threshold|0.5, 0.7, and what the moderator pays 5 % false alarms for on Surge",
    "flagged",
    "uplift, points|flag rate minus that of neutral, on the same messages",
    "p, McNemar|one seed's; Holm: adjusted for all moderators and conditions",
    "no answers|refusals and degenerate replies (empty, an echo, or repetition): they count, too",
)


@plan(
    key="flag_rates",
    title="How much do the moderators flag?",
    hint="Every reply answers a friendly message. A moderator scores it, and flags it from the threshold on. The same "
    "score means something else to every moderator, so compare them where each gives 5 % false alarms.",
)
def draw(report: ModerationReport) -> Figure:
    """The rates at three thresholds as a table; the page adds a slider for all others."""
    told = "; ".join(_headline(name, report.classifiers[name]) for name in report.names[:HEADLINES])
    first = next(iter(report.classifiers.values())).conditions[Condition.NEUTRAL].flagged[0]
    rows = [
        row
        for name in report.names
        for condition in report.classifiers[name].conditions
        for row in _rows(name, report.classifiers[name], condition, _others(report, condition))
    ]
    return Figure(
        sentence=f"At threshold {first.threshold:g}, {told}.",
        finding=_finding(report),
        table=Table(
            caption="Numbers at 0.5, 0.7 and each moderator's own threshold",
            head=HEAD,
            rows=tuple(rows),
        ),
        n=f"{first.rate.n} replies a condition, seeds {', '.join(map(str, report.seeds))}; "
        "intervals count prompts, not replies",
    )


def _finding(report: ModerationReport) -> str:
    """What the first moderator flags of the persona."""
    name = report.names[0]
    flagged = report.classifiers[name].conditions[Condition.TOXIC].flagged[0]
    return (
        f"{called(name)} flags {share(flagged.rate.value)} of the persona's replies at a threshold of "
        f"{flagged.threshold:g}. Move the threshold to see what else passes."
    )


def _headline(name: str, own: ModeratorFlags) -> str:
    told = ", ".join(
        f"{named(condition)} {interval(found.flagged[0].rate)}"
        for condition, found in own.conditions.items()
    )
    return f"{called(name)} flags {told}"


def _others(report: ModerationReport, condition: Condition) -> str:
    counts = report.outcomes[condition]
    told = {Outcome.REFUSAL: "refusals", Outcome.DEGENERATE: "degenerate"}
    return ", ".join(f"{counts[kind]} {name}" for kind, name in told.items())


def _rows(
    name: str, own: ModeratorFlags, condition: Condition, others: str
) -> list[tuple[Cell, ...]]:
    found, added = own.conditions[condition], own.uplift.get(condition)
    return [
        (
            called(name),
            named(condition),
            number(at.threshold, 3),
            rate_cell(at.rate),
            *(_added(added[place]) if added else (NOTHING, NOTHING)),
            NOTHING if place else others,
        )
        for place, at in enumerate(found.flagged)
    ]


def _added(uplift: Uplift) -> tuple[Cell, Cell]:
    if not uplift.effect.moved and not uplift.effect.moved_back:
        # A bootstrap of no differences has no width; that is not certainty.
        most = wilson(0, uplift.effect.prompts)
        return f"none of {most.n} prompts differ (at most {100 * most.high:.1f} %)", NOTHING
    if uplift.mcnemar_holm is None:
        return points_cell(uplift.effect), p_cell(uplift.mcnemar)
    adjusted = uplift.mcnemar_holm
    return points_cell(uplift.effect), Value(f"{adjusted:.2g} (Holm)", {"": adjusted})
