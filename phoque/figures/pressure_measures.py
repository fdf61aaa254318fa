"""What does a policy let through, and what does it cost civil people? Every measure of every policy."""

from collections.abc import Iterable, Mapping

from phoque.figures import rows, style
from phoque.figures.figure import Figure, plan
from phoque.figures.table import NOTHING, Cell, Table, Value, interval, number, rate_cell, share
from phoque.run.pressure import Mean, Measures, PolicyReport, PressureReport
from phoque.stats.rates import Rate

SHARES = {
    "leak": "hostile messages that people see",
    "never_muted": "hostile speakers who are never muted",
    "civil_hidden": "civil messages hidden",
    "blunt_hidden": "blunt but kind messages hidden",
    "pluribus_hidden": "happy messages hidden",
    "civil_muted": "civil speakers muted",
    "blunt_muted": "blunt but kind speakers muted",
}
"""Measures of the picture, by their names in the record."""
OTHERS = {
    "leak_at_worst": "hostile messages that people see, if unknown ones were shown",
    "unknown": "posted messages without a decision",
    "never_acted_on": "hostile speakers with no message hidden",
    "pluribus_muted": "happy speakers muted",
    "shown_before_mute": "hostile messages seen before the first mute, per speaker",
    "first_action": "seconds to the first action, where there is one",
    "reviewed": "posted messages that reviewers read",
    "review_wait": "seconds until a reviewer has decided",
    "review_full": "messages that found the queue full",
    "review_full_share": "messages that found the queue full, of posted ones",
    "cost_per_1000": "cost of 1,000 messages",
    "cost_per_1000_tried": "cost of 1,000 messages, including those that a mute stops",
}
MEASURES = SHARES | OTHERS
FEWEST = 3
"""Speakers from whom an interval is drawn."""


@plan(
    key="pressure_measures",
    title="What slips through a policy, and what it costs",
    hint="Smaller is better in every row. The upper rows show harm that gets through, the lower rows harm to civil "
    "people. A message that a reviewer removes later counts as seen.",
)
def draw(report: PressureReport) -> Figure:
    """Shares with intervals as a picture; all measures as a table."""
    traffic = report.traffic
    people = ", ".join(f"{n} {role.value}" for role, n in traffic.speakers.items() if n)
    return Figure(
        sentence=" ".join(map(_of, report.policies)),
        plotly=_plot(report),
        table=table({one.name: one.measures for one in report.policies}, "Every measure"),
        n=f"{len(traffic.seeds)} × {traffic.messages} messages of {people} speakers; intervals over "
        "speakers and seeds, or over what the texts reply to, whichever is wider",
    )


def table(found: Mapping[str, Measures], caption: str, wanted: Iterable[str] = MEASURES) -> Table:
    """A row for each wanted measure, a column for each policy."""
    return Table(
        caption=caption,
        head=("measure", *found),
        rows=tuple(
            (MEASURES[name], *(_cell(getattr(one, name)) for one in found.values()))
            for name in wanted
        ),
    )


def _of(policy: PolicyReport) -> str:
    found = policy.measures
    if found.leak is None:
        return f"The policy “{policy.name}”: no hostile message was decided."
    blunt, civil = found.blunt_hidden, found.civil_hidden
    cost = f"hides {interval(civil)} of civil messages" if civil else "met no civil message"
    cost += f" and {interval(blunt)} of blunt but kind ones" if blunt else ""
    unknown = found.unknown.value if found.unknown else 0.0
    doubt = f" {share(unknown)} of messages have no decision." if unknown else ""
    return f"The policy “{policy.name}” lets people see {interval(found.leak)} of hostile messages, and {cost}.{doubt}"


def _plot(report: PressureReport) -> style.Plotly:
    traces = []
    for policy, look in zip(report.policies, style.LOOKS, strict=False):
        found = {words: getattr(policy.measures, name) for name, words in SHARES.items()}
        known = {words: rate for words, rate in found.items() if rate is not None}
        traces.append(style.rates_across(policy.name, known, *look))
    shares = style.plot(
        traces,
        x={"title": "share", **style.SHARES},
        y={"title": ""},
        height=120 + rows.ROW * len(SHARES),
    )
    return rows.named_above(shares)


def _cell(found: Rate | Mean | float | None) -> Cell:
    if found is None:
        return NOTHING
    if isinstance(found, Rate):
        return rate_cell(found)
    if isinstance(found, Mean):
        return mean_cell(found)
    return number(found)


def mean_cell(found: Mean) -> Value:
    """A mean over speakers with its interval; of one or two speakers it has none that means anything."""
    digits = 1 if abs(found.value) >= 1 or not found.value else 3
    held = f"[{found.low:.{digits}f}, {found.high:.{digits}f}]"
    shown = f"{found.value:.{digits}f} {held if found.n >= FEWEST else f'(n = {found.n})'}"
    fields = {"": found.value, " low": found.low, " high": found.high, " n": found.n}
    return Value(shown, fields, f"n = {found.n} speakers")
