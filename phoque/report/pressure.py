"""Two pressure tests of the same traffic: what changed from A to B, and whether a limit is broken."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from phoque.errors import PhoqueError
from phoque.figures.figure import Drawn
from phoque.figures.kinds import interval, shown
from phoque.figures.pressure_measures import OTHERS, SHARES
from phoque.figures.pressure_policies import kept
from phoque.figures.shelf import UNDER_PRESSURE
from phoque.figures.table import NOTHING, markdown_table
from phoque.report.page import figures_page
from phoque.run.pressure import Mean, Measures, PolicyReport, PressureReport, Role, SpeakerCounts
from phoque.stats.paired import Effect, paired_effect
from phoque.stats.rates import Rate

COMMAND = "phoque pressure"
FILE = f"{PressureReport.STAGE}/{PressureReport.FILE}"
RULE = re.compile(
    r"\s*(?P<measure>\w+)\s*(?P<sign>[<>])\s*(?P<number>[+-]?\d+(?:\.\d+)?)\s*(?P<unit>points?|%|)\s*"
)
EXAMPLE = '"leak > +2 points"'


@dataclass(frozen=True)
class Change:
    """How one measure differs."""

    measure: str
    words: str
    before: float | None
    after: float | None
    share: bool
    effect: Effect | None = None
    """Speaker by speaker, where the measure is counted so."""

    @property
    def difference(self) -> float | None:
        if self.before is None or self.after is None:
            return None
        return self.after - self.before


@dataclass(frozen=True)
class Rule:
    """A limit for how B differs from A."""

    measure: str
    above: bool
    limit: float
    unit: str
    """`points` of percentage, `%` of A's value, or empty for the measure's own unit."""

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.measure} {'>' if self.above else '<'} {self.limit:+g}{unit}"

    def breaks(self, difference: float, before: float) -> bool:
        """Whether a difference, in the measure's own unit, is beyond the limit."""
        if self.unit == "points":
            found = 100 * difference
        elif self.unit == "%":
            found = 100 * difference / before if before else float("inf") * (difference or 0.0)
        else:
            found = difference
        # Equal but for rounding is equal.
        found = round(found, 9)
        return found > self.limit if self.above else found < self.limit


def rule_of(text: str) -> Rule:
    """The rule a person wrote.

    Raises:
        PhoqueError: it is none, there is no such measure, or points are asked of what is no share.
    """
    found = RULE.fullmatch(text)
    if not found:
        raise PhoqueError(f"{text!r} is no rule. Write one such as {EXAMPLE}.")
    if found["measure"] not in Measures.model_fields:
        known = ", ".join(Measures.model_fields)
        raise PhoqueError(f"There is no measure {found['measure']}. Known: {known}.")
    unit = "points" if found["unit"].startswith("point") else found["unit"]
    rule = Rule(found["measure"], found["sign"] == ">", float(found["number"]), unit)
    share = Rate in get_args(Measures.model_fields[rule.measure].annotation)
    if share and not unit and abs(rule.limit) > 1:
        raise PhoqueError(f"{rule.measure} is a share. Write points or %: {EXAMPLE}.")
    if unit == "points" and not share:
        raise PhoqueError(f"{rule.measure} is no share, so it has no points. Leave the unit out.")
    return rule


def html_of(report: PressureReport) -> str:
    """The report as one HTML file."""
    drawn = [Drawn(plan=p, figure=p.draw(report), sources=(FILE,)) for p in UNDER_PRESSURE]
    return figures_page("Pressure test", drawn)


def chosen(told: str) -> tuple[PressureReport, PolicyReport]:
    """A policy's report, as `FOLDER` or, where a folder has several policies, `FOLDER:POLICY`.

    Raises:
        PhoqueError: there is no report, no such policy, or several to choose from.
    """
    folder, _, name = told.rpartition(":")
    if not folder or (Path(told) / PressureReport.FILE).is_file():
        folder, name = told, ""
    report = PressureReport.load(Path(folder), command=COMMAND)
    names = ", ".join(one.name for one in report.policies)
    if not name and len(report.policies) > 1:
        raise PhoqueError(f"{folder} has the policies {names}. Say which: {folder}:POLICY")
    found = report.of(name) if name else report.policies[0]
    if found is None:
        raise PhoqueError(f"{folder} has no policy {name}. It has: {names}.")
    return report, found


def changes(a: str, b: str) -> list[Change]:
    """Every measure of B beside that of A.

    Raises:
        PhoqueError: one cannot be read, or they saw different traffic.
    """
    (report_a, before), (report_b, after) = chosen(a), chosen(b)
    if report_a.traffic.sha256 != report_b.traffic.sha256:
        raise PhoqueError(
            f"{a} and {b} met different traffic, so their numbers cannot be compared. Test both with "
            "the same runs or corpus, the same --traffic, --messages and --seed."
        )
    return [_change(name, words, before, after) for name, words in {**SHARES, **OTHERS}.items()]


def warnings(a: str, b: str) -> list[str]:
    """What could hide a change: a side that shows older answers of a service."""
    return [
        f"{told} shows what {name} said before ({kept(calls)}), not what it says now: {calls.from_cache} "
        f"answers were kept, and it got {calls.requests or 'no'} request{'s' * (calls.requests != 1)}. Test it "
        "again with --ask-again, or give its description another version."
        for told in (a, b)
        for name, calls in chosen(told)[1].calls.items()
        if calls.from_cache
    ]


def broken(found: Sequence[Change], rules: Sequence[Rule]) -> list[str]:
    """The rules that B breaks, each with what happened; one that cannot be checked counts as broken."""
    by_name = {one.measure: one for one in found}
    told = []
    for rule in rules:
        one = by_name[rule.measure]
        if one.difference is None or one.before is None:
            told.append(f"{rule}: cannot be checked: there is nothing to count on one side")
        elif rule.breaks(one.difference, one.before):
            told.append(f"{rule}: it changed by {_difference(one)}")
    return told


def page(found: Sequence[Change], a: str, b: str) -> str:
    """All changes as a Markdown table."""
    rows = [
        (one.words, _value(one, one.before), _value(one, one.after), _difference(one))
        for one in found
    ]
    note = (
        "Intervals of differences are over speakers, each compared with itself; a difference whose "
        "interval holds 0 may be chance."
    )
    return "\n\n".join([markdown_table(("measure", a, b, "difference"), rows), note])


def _change(name: str, words: str, before: PolicyReport, after: PolicyReport) -> Change:
    old, new = (getattr(one.measures, name) for one in (before, after))
    return Change(
        measure=name,
        words=words,
        before=_number(old),
        after=_number(new),
        share=isinstance(old, Rate) and isinstance(new, Rate),
        effect=_effect(name, before, after),
    )


def _effect(name: str, before: PolicyReport, after: PolicyReport) -> Effect | None:
    """The paired difference over speakers of what they themselves show or are hidden."""
    role = Role.HOSTILE if name == "leak" else _role(name)
    if role is None:
        return None
    rows = [
        [[_share(name, one)] for one in policy.speakers if one.role is role]
        for policy in (before, after)
    ]
    # Without a decided message there is nothing to compare of a speaker.
    pairs = [(a, b) for a, b in zip(*rows, strict=True) if None not in (*a, *b)]
    return paired_effect([a for a, _ in pairs], [b for _, b in pairs]) if pairs else None


def _role(name: str) -> Role | None:
    role, _, what = name.partition("_")
    return Role(role) if what == "hidden" and role in [*Role] else None


def _share(name: str, one: SpeakerCounts) -> float | None:
    decided = one.attempts - one.unknown if name == "leak" else one.seen + one.hidden
    hits = one.seen if name == "leak" else one.hidden
    return hits / decided if decided else None


def _number(found: Rate | Mean | float | None) -> float | None:
    return found.value if isinstance(found, Rate | Mean) else found


def _value(one: Change, value: float | None) -> str:
    return shown(value, "share" if one.share else "number")


def _difference(one: Change) -> str:
    if one.difference is None:
        return NOTHING
    if not one.share:
        return f"{one.difference:+.2f}"
    told = shown(one.difference, "points")
    if one.effect is None:
        return told
    ends = interval(one.effect.low, one.effect.high, "points")
    return f"{told} (a speaker: {shown(one.effect.value, 'points')} {ends})"
