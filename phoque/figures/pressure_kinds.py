"""Which hostile messages slip through? By kind, persona, register and style, and by moderator."""

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.pressure_measures import LOOKS
from phoque.figures.table import Cell, Table, interval, known, rate_cell
from phoque.run.pressure import Kind, PolicyReport, PressureReport

HEAD = ("policy", "by", "of", "posted hostile messages seen or missed")


@plan(
    key="pressure_kinds",
    title="Which hostile messages slip through",
    hint="Listed words are on the persona's list; spelling tricks hide them; implicit messages have none. "
    "How much of each there is comes from the traffic, so these shares say more than their sum.",
)
def draw(report: PressureReport) -> Figure:
    """Kinds as a picture; all groups and moderators as a table."""
    return Figure(
        sentence=" ".join(filter(None, map(_sentence, report.policies))),
        plotly=_plot(report),
        table=Table(
            name="phoque-pressure-kinds",
            caption="Every group and every moderator alone",
            head=HEAD,
            rows=tuple(row for policy in report.policies for row in _rows(policy)),
        ),
        n=f"{sum(one.posted for one in report.policies)} posted messages, unknown ones left out",
    )


def _sentence(policy: PolicyReport) -> str:
    kinds = [one for one in policy.groups if one.by == "kind"]
    told = ", ".join(f"{one.name} {interval(one.shown)}" for one in kinds)
    return f"People see under {policy.name}: {told}." if told else ""


def _rows(policy: PolicyReport) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = [
        (policy.name, one.by, one.name, rate_cell(one.shown)) for one in policy.groups
    ]
    for moderator in policy.by_moderator:
        missed = known(moderator.missed, rate_cell)
        rows.append((policy.name, "moderator", moderator.name, missed))
        rows += [
            (policy.name, "moderator", f"{moderator.name}: {kind.value}", rate_cell(rate))
            for kind, rate in moderator.missed_by_kind.items()
        ]
    return rows


def _plot(report: PressureReport) -> style.Plotly:
    order = [kind.value for kind in Kind]
    traces = []
    for policy, look in zip(report.policies, LOOKS, strict=False):
        found = {one.name: one.shown for one in policy.groups if one.by == "kind"}
        names = [name for name in order if name in found]
        rates = [found[name] for name in names]
        traces.append(style.rates(policy.name, names, rates, *look, mode="markers"))
    return style.plot(
        traces,
        x={"title": "kind of hostile message", "categoryorder": "array", "categoryarray": order},
        y={"title": "seen by people", **style.SHARES},
    )
