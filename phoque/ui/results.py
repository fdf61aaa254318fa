"""A tab of results: what it found stands open, every further question is a drawer.

A section is a figure with its sentence, picture, table and sources, and what the page adds to it. A
drawer is filled when it is opened.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from html import escape
from typing import Any

import gradio as gr
from gradio.components.plot import PlotData

from phoque.errors import PhoqueError
from phoque.figures import frames
from phoque.figures.figure import Drawn, Figure, Plan, Shape, drawn
from phoque.run.folder import Reader, StageFolder
from phoque.ui import components, wording
from phoque.ui.events import QUICK, Opening
from phoque.ui.parts import facts_html, gap_html, more, table_html

Widget = Callable[[Reader, Figure], str]
"""HTML that a page adds to a figure; text in it is escaped."""
MOST_OPEN = 12
"""Rows of a table that is not folded where there is no picture."""
KEPT = 256
"""Sections that are kept, for all visitors."""
TAB = ""
"""Stands for what a tab has beside its sections."""
SKIPPED = [gr.skip()] * 3
"""The parts of a section that stay as they are."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A figure on a page, and what the page adds to it."""

    plan: Plan
    hero: bool = False
    """It stands open at the top of its tab; the others are drawers."""
    topic: str = ""
    """A heading above this drawer, for it and those that follow."""
    above: Widget | None = None
    """Between the sentence and the picture."""
    instead: Widget | None = None
    """In the place of the picture."""
    below: Widget | None = None
    """Under the picture."""
    pressed: str | None = None
    """The script of what stands under the picture, where that can be pressed."""


def sections(
    plans: Sequence[Plan], *, hero: Collection[str], **added: Mapping[str, Any]
) -> tuple[Section, ...]:
    """Figures as sections; `added` are other fields of a section, each by the keys of the figures that have it."""
    assert {one.key for one in plans} >= {key for by_key in added.values() for key in by_key}

    def own(key: str) -> dict[str, Any]:
        return {field: by_key[key] for field, by_key in added.items() if key in by_key}

    return tuple(Section(plan=one, hero=one.key in hero, **own(one.key)) for one in plans)


@dataclass(frozen=True)
class Rendered:
    head: str
    figure: str | None
    """Plotly's JSON."""
    tail: str


def intro(text: str, choice: Sequence[Any], **options: Any) -> gr.Dropdown:
    """What a tab is about, beside the choice of whose results it shows, if there is a choice."""
    with gr.Row(elem_classes="ph-intro"):
        with gr.Column(scale=3, min_width=280):
            gr.HTML(components.note_html(text))
        return gr.Dropdown(choice, min_width=240, visible=len(choice) > 1, **options)


def drawer(question: str, elem_id: str) -> gr.Accordion:
    """What only a curious visitor opens."""
    return gr.Accordion(question, open=False, elem_classes="ph-section ph-folded", elem_id=elem_id)


def topic(name: str) -> None:
    """A heading above drawers that belong together."""
    gr.HTML(f'<h2 class="ph-topic">{escape(name)}</h2>')


class Frame:
    """A section's place on the page: heading, picture, and what stands below it."""

    def __init__(self, section: Section) -> None:
        place = f"ph-section-{section.plan.key}"
        if section.topic:
            topic(section.topic)
        self.drawer = None if section.hero else drawer(section.plan.title, place)
        self.box = self.drawer or gr.Column(elem_classes="ph-section", elem_id=place)
        with self.box:
            self.head = gr.HTML(f'<p class="ph-hint">{wording.FILLING}</p>')
            self.plot = gr.Plot(
                show_label=False, container=False, visible=False, elem_classes="ph-plot"
            )
            self.tail = self.draw_tail(section.pressed)

    def draw_tail(self, pressed: str | None) -> gr.HTML:
        """The component below the picture."""
        return gr.HTML(js_on_load=pressed)

    @property
    def parts(self) -> list[Any]:
        """In the order of `filled`."""
        return [self.head, self.plot, self.tail]


def results(
    sections: Sequence[Section],
    frames: Sequence[Frame],
    reader_of: Callable[..., Reader],
    inputs: Sequence[Any] = (),
    also: Sequence[tuple[Any, Callable[[Reader], Any]]] = (),
) -> Opening:
    """What fills a tab when it is opened; nothing is sent where it is on the page already.

    Args:
        sections: in order.
        frames: one a section, already drawn.
        reader_of: gets the values of `inputs` and says whose results are shown.
        inputs: components that choose the run or the persona.
        also: further components and what fills each.
    """
    shown: gr.State = gr.State({})
    parts = [part for frame in frames for part in frame.parts]
    stages = tuple(dict.fromkeys(kind.STAGE for s in sections for kind in s.plan.needs))

    def known_by(chosen: Sequence[Any]) -> tuple[Reader, object, str]:
        """Whose results are shown, and what changes when a file of theirs does."""
        reader = reader_of(*chosen)
        stamp = tuple(reader.folder(stage).stamp for stage in stages)
        return reader, stamp, f"{reader.run.path} {reader.psm} {hash(stamp)}"

    def show(*values: Any) -> list[Any]:
        """Every part that is open and not on the page already."""
        *chosen, seen = values
        reader, stamp, key = known_by(chosen)
        due = {s.plan.key for s in sections if s.hero or s.plan.key in seen}
        new = {name for name in due if seen.get(name) != key}
        filled = [
            part
            for s in sections
            for part in (_parts(rendered(s, reader, stamp)) if s.plan.key in new else SKIPPED)
        ]
        others = [fill(reader) if seen.get(TAB) != key else gr.skip() for _, fill in also]
        return [seen | dict.fromkeys(due, key) | {TAB: key}, *others, *filled]

    def opened(section: Section, *values: Any) -> list[Any]:
        *chosen, seen = values
        reader, stamp, key = known_by(chosen)
        if seen.get(section.plan.key) == key:
            return [gr.skip(), *SKIPPED]
        return [seen | {section.plan.key: key}, *_parts(rendered(section, reader, stamp))]

    for section, frame in zip(sections, frames, strict=True):
        if frame.drawer:
            filled = partial(opened, section)
            frame.drawer.expand(filled, [*inputs, shown], [shown, *frame.parts], **QUICK)
    return Opening(show, [*inputs, shown], [shown, *(one for one, _ in also), *parts])


@lru_cache(maxsize=KEPT)
def rendered(section: Section, reader: Reader, _stamp: object = None) -> Rendered:
    """A section; `_stamp` changes when a file does."""
    found = drawn(section.plan, reader)
    folder = reader.folder(section.plan.stage)
    above, instead, below = (
        _added(widget, reader, found) for widget in (section.above, section.instead, section.below)
    )
    figure = found.figure
    picture = figure.plotly if figure and not instead else None
    if figure and figure.table:
        folded = bool(picture or instead or below) or len(figure.table.rows) > MOST_OPEN
        shown = table_html(figure.table, section.plan.key)
        below += more(figure.table.caption, shown) if folded else shown
    if figure and figure.finding:
        below = _setting(figure) + below
        below += more(wording.IN_NUMBERS, f'<p class="ph-reading">{escape(figure.sentence)}</p>')
    return Rendered(
        head=_head(section, found, folder) + above,
        figure=json.dumps(frames.on_page(picture, section.plan.key)) if picture else None,
        tail=instead + below + _drawer(found, folder),
    )


def _setting(figure: Figure) -> str:
    """Below the picture of a figure that opens its tab: how its replies were made."""
    return f'<p class="ph-hint ph-setting">{escape(figure.setting)}</p>' if figure.setting else ""


def _added(widget: Widget | None, reader: Reader, found: Drawn) -> str:
    if widget is None or found.figure is None:
        return ""
    try:
        return widget(reader, found.figure)
    except PhoqueError as gap:
        return gap_html(str(gap))
    except Shape as error:
        return gap_html(f"{type(error).__name__}: {error}")


def _head(section: Section, found: Drawn, folder: StageFolder) -> str:
    """Heading, chip, hint and what was found; a drawer's heading is its own."""
    heading = f"<h2>{escape(found.plan.title)}</h2>" if section.hero else ""
    told = "".join(f'<p class="{tone}">{escape(text)}</p>' for tone, text in _told(found) if text)
    return (
        f'<section class="ph-section-head"><div class="ph-section-title">{heading}{chip(folder)}'
        f"</div>{told}</section>"
    )


def _told(found: Drawn) -> list[tuple[str, str]]:
    """The finding in plain words, else the sentence with all its numbers."""
    hint = ("ph-hint", found.plan.hint)
    if not found.figure:
        return [hint, ("ph-reading ph-gap", found.gap)]
    if found.figure.finding:
        return [("ph-finding", found.figure.finding), hint]
    return [
        hint,
        ("ph-reading", found.figure.sentence),
        ("ph-hint ph-setting", found.figure.setting),
    ]


def chip(folder: StageFolder) -> str:
    """Whose numbers these are."""
    text = wording.SHIPPED if folder.is_shipped else wording.OTHER_RUN.format(folder.run.path.name)
    if folder.is_unfinished:
        text += wording.UNFINISHED
    return f'<span class="ph-runchip">{escape(text)}</span>'


def _drawer(found: Drawn, folder: StageFolder) -> str:
    """Where a section's numbers come from, folded."""
    counted = found.figure.n if found.figure else ""
    told = folder.facts() | {
        "Counted": counted or "–",
        "Files": ", ".join(found.sources),
        "Command": folder.command,
    }
    summary = f"<summary>{escape(wording.PROVENANCE)}</summary>"
    return f'<details class="ph-drawer">{summary}{facts_html(told.items())}</details>'


def _parts(section: Rendered) -> list[Any]:
    value = PlotData(type="plotly", plot=section.figure) if section.figure else None
    return [section.head, gr.Plot(value=value, visible=value is not None), section.tail]
