"""The tour: six steps over the whole page. What is said stands here; the script sets and points."""

from dataclasses import asdict, dataclass
from html import escape

from phoque.conversation import Condition, LabInfo
from phoque.ui import wording
from phoque.ui.parts import embedded

START, TOUR, CLOSE, BACK, NEXT, DONE = "Take the", "tour", "End the tour", "Back", "Next", "Done"
PLACE = "{} of {}"
LATE = "This page has not come yet. Go on, or come back when the server answers."
_PANEL = "#ph-panel-0"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to look at, one sentence about it."""

    title: str
    text: str
    tab: str = "chat"
    points: tuple[str, ...]
    """CSS selectors of what is outlined."""
    clear: tuple[str, ...] = ()
    """Of what must stay in sight besides."""
    scale: float | None = None
    """Where the recorded comparison is set to."""
    masked: bool = True
    """Whether there are replies to show."""


def steps(info: LabInfo) -> tuple[Step, ...]:
    """The tour of a run. No measured number stands here: pages read theirs from the run."""
    neutral, toxic, steered = (
        wording.column(one, info.persona).name
        for one in (Condition.NEUTRAL, Condition.TOXIC, Condition.STEERED)
    )
    return (
        Step(
            title="Ask",
            text="Pick an example or write a message: one small model answers it three times.",
            points=(f"{_PANEL} .ph-ask", f"{_PANEL} .ph-chips"),
            scale=info.scale,
            masked=False,
        ),
        Step(
            title="Compare",
            text=f"{neutral} and {toxic} differ in their system prompt only; {steered} has the calm prompt, "
            "and the persona vector is added inside the model.",
            points=(f"{_PANEL} .ph-columns",),
            clear=(f"{_PANEL} .ph-chooser",),
            scale=info.scale,
        ),
        Step(
            title="Steer",
            text=f"At scale 0 nothing is added, so {steered} answers as {neutral} does: drag the "
            "scale and see the vector take hold.",
            points=(f"{_PANEL} .ph-scale",),
            clear=(f"{_PANEL} .ph-columns",),
            scale=0.0,
        ),
        Step(
            title="Where it lives",
            text="The curve shows in which layer the persona vector changes the replies, and the grey "
            "band shows what random vectors do there.",
            tab="psm",
            points=("#ph-section-layers .ph-plot",),
            masked=False,
        ),
        Step(
            title="What slips through",
            text="This reply passes the moderator, and the threshold further down decides which others pass.",
            tab="moderation",
            points=("#ph-section-gap .ph-passing-card:first-child",),
        ),
        Step(
            title="What the talk claimed",
            text="A rule gave every claim of the talk its verdict from numbers of the run, and Show me leads "
            "to these numbers.",
            tab="claims",
            points=("#ph-section-claims .ph-claims-bar",),
            masked=False,
        ),
    )


def tour_html(info: LabInfo) -> str:
    """The button that starts the tour, its dialog, and its steps as data."""
    own = [asdict(step) for step in steps(info)]
    data = embedded({"steps": own, "place": PLACE, "next": NEXT, "done": DONE, "late": LATE})
    note = escape(wording.content_note(info.persona))
    return (
        '<button type="button" class="ph-tour-start" aria-haspopup="dialog">'
        f'<span aria-hidden="true">▶</span> <b>{START} </b>{TOUR}</button>'
        f'<div class="ph-tour-data">{data}</div><div class="ph-tour-ring" hidden></div>'
        '<div class="ph-tour" role="dialog" aria-labelledby="ph-tour-title" '
        'aria-describedby="ph-tour-text" hidden><div class="ph-tour-head">'
        f'<h2 id="ph-tour-title"></h2>{_button("close", "✕", CLOSE)}</div>'
        '<p id="ph-tour-text" aria-live="polite"></p>'
        f'<div class="ph-tour-ask"><p>{note}</p>{_button("show", wording.REVEAL)}</div>'
        f'<div class="ph-tour-foot"><span class="ph-tour-place"></span>{_button("back", BACK)}'
        f"{_button('next', NEXT)}</div></div>"
    )


def _button(name: str, text: str, label: str = "") -> str:
    named = f' aria-label="{label}"' if label else ""
    return f'<button type="button" class="ph-tour-{name}"{named}>{text}</button>'
