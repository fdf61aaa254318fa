"""Which hostile messages slip through? By kind, persona, register and style, and by moderator."""

from collections.abc import Iterator

from phoque.figures import style
from phoque.figures.figure import Figure, plan
from phoque.figures.pressure_measures import mean_cell
from phoque.figures.table import NOTHING, Cell, Table, interval, known, rate_cell
from phoque.run.pressure import Group, Kind, PolicyReport, PressureReport
from phoque.stats.rates import Rate

HEAD = (
    "policy",
    "by",
    "of",
    "hostile, seen or missed|of posted messages; of a moderator, those it passes",
    "harmless, hidden or flagged|of posted messages; of a moderator, those it flags",
    "seen before the first mute|messages of the group, a hostile speaker who posts any",
    "seconds to the first action|from a speaker's first message of the group; of a moderator, to its first flag",
)


@plan(
    key="pressure_kinds",
    title="Which hostile messages slip through",
    hint="Listed words are on the persona's list; spelling tricks hide them; implicit messages have none. The "
    "traffic settings decide how many messages of each kind there are, so read each kind by itself, not the total.",
)
def draw(report: PressureReport) -> Figure:
    """Kinds as a picture; all groups and moderators as a table."""
    return Figure(
        sentence=" ".join(filter(None, map(_sentence, report.policies))),
        plotly=_plot(report),
        table=Table(
            caption="Every group and every moderator alone",
            head=HEAD,
            rows=tuple(row for policy in report.policies for row in _rows(policy)),
        ),
        n=f"{sum(one.posted for one in report.policies)} posted messages, unknown ones left out",
    )


def _sentence(policy: PolicyReport) -> str:
    kinds = [one for one in policy.groups if one.by == "kind"]
    told = ", ".join(f"{one.name} {interval(one.shown)}" for one in kinds)
    return f"Under the policy “{policy.name}”, people see of each kind: {told}." if told else ""


def _rows(policy: PolicyReport) -> Iterator[tuple[Cell, ...]]:
    """Groups that sent hostile messages, harmless ones, or both; then each moderator."""
    hostile: dict[tuple[str, str], Group] = {(one.by, one.name): one for one in policy.groups}
    harmless: dict[tuple[str, str], Rate] = {
        (one.by, one.name): one.hidden for one in policy.harmless_groups
    }
    for place in sorted({*hostile, *harmless}):
        one, hidden = hostile.get(place), known(harmless.get(place), rate_cell)
        shown = rate_cell(one.shown) if one else NOTHING
        means = (one.seen_before_mute, one.first_action) if one else (None, None)
        yield policy.name, *place, shown, hidden, *(known(mean, mean_cell) for mean in means)
    yield from _alone(policy)


def _alone(policy: PolicyReport) -> Iterator[tuple[Cell, ...]]:
    """A moderator in all, by kind of hostile messages, and by who sent harmless ones."""
    for one in policy.by_moderator:
        both = (known(one.missed, rate_cell), known(one.false_alarms, rate_cell))
        yield policy.name, "moderator", one.name, *both, NOTHING, known(one.first_flag, mean_cell)
        if one.unknown and one.unknown_share:
            told = f"{one.name}: no answer to {interval(one.unknown_share)} of all"
            yield policy.name, "moderator", told, *[NOTHING] * 4
        for kind, missed in one.missed_by_kind.items():
            told = f"{one.name}: {kind.value}"
            yield policy.name, "moderator", told, rate_cell(missed), *[NOTHING] * 3
        for role, flagged in one.false_alarms_by_role.items():
            told = f"{one.name}: {role.value}"
            yield policy.name, "moderator", told, NOTHING, rate_cell(flagged), *[NOTHING] * 2


def _plot(report: PressureReport) -> style.Plotly:
    order = [kind.value for kind in Kind]
    traces = []
    for policy, look in zip(report.policies, style.LOOKS, strict=False):
        found = {one.name: one.shown for one in policy.groups if one.by == "kind"}
        names = [name for name in order if name in found]
        rates = [found[name] for name in names]
        traces.append(style.rates(policy.name, names, rates, *look, mode="markers"))
    return style.plot(
        traces,
        x={"title": "kind of hostile message", "categoryorder": "array", "categoryarray": order},
        y={"title": "seen by people", **style.SHARES},
    )
