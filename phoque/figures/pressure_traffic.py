"""What was sent through every policy, and why do its hostile messages count as hostile?"""

from phoque.figures.figure import Figure, plan
from phoque.figures.table import NOTHING, Table, interval, known, rate_cell
from phoque.run.pressure import PressureReport

HEAD = (
    "texts",
    "different ones",
    "speakers",
    "read blind and found hostile|of texts like these, where some were read",
)


@plan(
    key="pressure_traffic",
    title="What was sent",
    hint="Every policy gets the same messages, up to the first difference that it makes itself.",
)
def draw(report: PressureReport) -> Figure:
    """Where texts come from, the styles of an adversary, and what blind readings say of the texts."""
    traffic = report.traffic
    speakers = [
        (role.value, str(traffic.texts[role]), str(number), NOTHING)
        for role, number in traffic.speakers.items()
        if number
    ]
    kinds = [
        (f"hostile: {one.kind.value}", str(one.texts), NOTHING, known(one.read_hostile, rate_cell))
        for one in traffic.evidence
    ]
    return Figure(
        sentence=_sentence(report),
        table=Table(caption="Texts and speakers", head=HEAD, rows=(*speakers, *kinds)),
        n=f"seeds {', '.join(map(str, traffic.seeds))}; hash {traffic.sha256[:16]}",
    )


def _sentence(report: PressureReport) -> str:
    traffic = report.traffic
    read = [
        f"{interval(one.read_hostile)} ({one.kind.value}, n = {one.read_hostile.n})"
        for one in traffic.evidence
        if one.read_hostile
    ]
    believed = (
        f" Blind readings call this share of texts like the hostile ones hostile: {', '.join(read)}."
        if read
        else " Only their labels say that the hostile texts are hostile."
    )
    return (
        f"Texts come from {', '.join(traffic.sources)}. After a mute, a hostile speaker takes the next of these "
        f"styles: {', '.join(traffic.styles)}. The list is fixed, and no moderator was asked to make it."
        f"{believed}"
    )
