"""What were the policies, and what were the services behind them asked?"""

from phoque.figures.figure import Figure, plan
from phoque.figures.table import Cell, Table
from phoque.run.pressure import Calls, PressureReport

HEAD = ("policy or service", "what it does", "file")
COUNTED = {
    "requests": "requests",
    "retries": "retries",
    "too_many": "answers 429",
    "failed": "answers 5xx or other refusals",
    "timeouts": "without connection or too late",
    "malformed": "unreadable answers",
    "from_cache": "answers known from before",
}
"""What is counted of a service, in words."""


@plan(
    key="pressure_policies",
    title="The policies",
    hint="The hash identifies the file of a policy, so that a later test can show that it used the same one.",
)
def draw(report: PressureReport) -> Figure:
    """The settings of every policy, and the requests to every service."""
    services = {name: calls for one in report.policies for name, calls in one.calls.items()}
    rows: list[tuple[Cell, ...]] = [
        (one.name, one.settings, one.sha256[:16]) for one in report.policies
    ]
    rows += [(name, _counted(calls), "") for name, calls in services.items()]
    return Figure(
        sentence=_sentence(report, services),
        table=Table(caption="Settings", head=HEAD, rows=tuple(rows)),
    )


def _sentence(report: PressureReport, services: dict[str, Calls]) -> str:
    told = "; ".join(f"{one.name}: {one.settings}" for one in report.policies)
    if not services:
        return f"{told}."
    asked = sum(one.requests for one in services.values())
    return (
        f"{told}. Services got {asked} requests. A text whose requests all failed is unknown: it counts "
        "neither as flagged nor as passed."
    )


def _counted(calls: Calls) -> str:
    told = [f"{getattr(calls, name)} {words}" for name, words in COUNTED.items()]
    if calls.from_cache:
        told[-1] += f" (of {kept(calls)})"
    reason = f"; the last failure: {calls.reason}" if calls.reason else ""
    return f"{', '.join(told)}; cost {calls.cost:g}{reason}"


def kept(calls: Calls) -> str:
    """When the answers that were known from before came, in words."""
    if not calls.kept_to:
        return "an unknown time"
    first = calls.kept_from or "an unknown time"
    return first if first == calls.kept_to else f"{first} to {calls.kept_to}"
