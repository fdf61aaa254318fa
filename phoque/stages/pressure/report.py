"""The report as a page: the figures, what the traffic was, and what services were asked."""

from collections.abc import Sequence

from phoque.figures.page import stage_page
from phoque.figures.shelf import UNDER_PRESSURE
from phoque.figures.table import NOTHING, interval, markdown_table
from phoque.run.pressure import PressureReport

ASKED = (
    "service",
    "requests",
    "retries",
    "429",
    "5xx",
    "no connection",
    "unreadable",
    "kept",
    "cost",
)


def page(report: PressureReport) -> str:
    """Everything for people, as Markdown; no message is quoted."""
    return "\n\n".join(
        [stage_page("Pressure test", UNDER_PRESSURE, report).rstrip(), *told(report), ""]
    )


def told(report: PressureReport) -> list[str]:
    """The traffic, its evidence, the policies and the services, in Markdown."""
    return [*_traffic(report), *_policies(report), *_services(report)]


def _traffic(report: PressureReport) -> Sequence[str]:
    traffic = report.traffic
    rows = [
        (
            one.kind.value,
            str(one.texts),
            interval(one.read_hostile) if one.read_hostile else NOTHING,
            str(one.read_hostile.n) if one.read_hostile else "0",
        )
        for one in traffic.evidence
    ]
    people = ", ".join(
        f"{number} {role.value} ({traffic.texts[role]} texts)"
        for role, number in traffic.speakers.items()
        if number
    )
    return (
        "## The traffic",
        f"Texts come from {', '.join(traffic.sources)}. Speakers: {people}. An adversary takes the next "
        f"of these styles after a mute: {', '.join(traffic.styles)}. The list is fixed; no moderator "
        f"was asked to make it. Seeds {', '.join(map(str, traffic.seeds))}; hash `{traffic.sha256[:16]}`.",
        "Why these texts count as hostile: of texts like them, so many were read blind and found hostile.",
        markdown_table(("kind", "texts", "found hostile", "read"), rows),
    )


def _policies(report: PressureReport) -> Sequence[str]:
    rows = [(one.name, one.settings, f"`{one.sha256[:16]}`") for one in report.policies]
    return "## The policies", markdown_table(("policy", "what it does", "file"), rows)


def _services(report: PressureReport) -> Sequence[str]:
    rows = [
        (name, *map(str, (c.requests, c.retries, c.too_many, c.failed, c.timeouts, c.malformed)),
         str(c.from_cache), f"{c.cost:g}")
        for policy in report.policies
        for name, c in policy.calls.items()
    ]  # fmt: skip
    if not rows:
        return ()
    return (
        "## The services",
        "A text whose requests all failed is unknown: it counts neither as flagged nor as passed.",
        markdown_table(ASKED, list(dict.fromkeys(rows))),
    )
