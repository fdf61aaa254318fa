"""What would other thresholds do? Missed hostile messages against hidden harmless ones."""

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, interval
from phoque.run.pressure import CurvePoint, PolicyReport, PressureReport

BUDGET = 0.05
"""Share of harmless messages that a sentence allows to be flagged."""


@plan(
    key="pressure_curve",
    title="What other thresholds would do",
    hint="Toward the lower left is better. The large mark is the threshold in use. A hollow one is beaten: another "
    "threshold of the policy is as good in both and better in one. All points count the same posted messages, so "
    "mutes and reviews are left out.",
)
def draw(report: PressureReport) -> Figure:
    """A curve a policy over its thresholds; the one it uses is marked."""
    drawn = [one for one in report.policies if _whole(one)]
    return Figure(
        sentence=" ".join(map(_sentence, drawn)) or "No policy decided both kinds of messages.",
        plotly=_plot(drawn),
        table=Table.named(
            "Every threshold",
            "policy",
            [(policy.name, one) for policy in drawn for one in _whole(policy)],
            {
                "threshold": "threshold",
                "hostile missed": "missed",
                "harmless flagged": "false_alarms",
                "beaten by another": lambda one: "no" if one.best else "yes",
            },
        ),
        n=f"{sum(one.posted for one in drawn)} posted messages, before mutes and reviews",
    )


def _whole(policy: PolicyReport) -> list[CurvePoint]:
    """Points with both shares."""
    return [one for one in policy.curve if one.missed and one.false_alarms]


def _sentence(policy: PolicyReport) -> str:
    within = [
        one for one in _whole(policy) if one.false_alarms and one.false_alarms.value <= BUDGET
    ]
    best = min(within, key=lambda one: one.missed.value if one.missed else 1.0, default=None)
    if best is None or best.missed is None:
        return f"No threshold of the policy “{policy.name}” flags at most 5 % of harmless messages."
    return (
        f"If the policy “{policy.name}” may flag at most 5 % of harmless messages, it misses {interval(best.missed)} of "
        f"the hostile ones, at threshold {best.threshold:g}; it uses {policy.threshold:g}."
    )


def _plot(policies: list[PolicyReport]) -> style.Plotly:
    traces = []
    for policy, look in zip(policies, style.LOOKS, strict=False):
        points = _whole(policy)
        beaten = [one.best is False for one in points]
        used = [one.threshold == policy.threshold for one in points]
        trace = style.line(
            policy.name,
            [one.false_alarms.value for one in points if one.false_alarms],
            [one.missed.value for one in points if one.missed],
            *look,
            customdata=[one.threshold for one in points],
            hovertemplate="threshold %{customdata:.2f}: %{y:.1%} missed, %{x:.1%} flagged"
            f"<extra>{policy.name}</extra>",
        )
        trace["marker"]["size"] = [13 if here else 6 for here in used]
        trace["marker"]["symbol"] = [f"{look[-1]}-open" if one else look[-1] for one in beaten]
        traces.append(trace)
    return style.plot(
        traces,
        x={"title": "harmless messages flagged", **style.SHARES},
        y={"title": "hostile messages missed", **style.SHARES},
    )
