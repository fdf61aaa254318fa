"""A tab of results: figures in order, each with its sentence, picture, table and sources.

What a page adds to a figure, such as a slider that looks numbers up, is its section's `widget`.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

import gradio as gr
from gradio.components.plot import PlotData

from phoque.errors import PhoqueError
from phoque.figures import style
from phoque.figures.figure import Drawn, Figure, Plan, Shape, drawn
from phoque.run.folder import Reader, StageFolder
from phoque.ui import wording
from phoque.ui.events import Opening
from phoque.ui.parts import more, table_html

Widget = Callable[[Reader, Figure], str]
"""HTML that a page adds to a figure; text in it is escaped."""
MOST_OPEN = 12
"""Rows of a table that is not folded where there is no picture."""
KEPT = 16
"""Pages that are kept, for all visitors."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A figure on a page, and what the page adds to it."""

    plan: Plan
    above: Widget | None = None
    """Between the sentence and the picture."""
    instead: Widget | None = None
    """In the place of the picture."""
    below: Widget | None = None
    """Under the picture."""


@dataclass(frozen=True)
class Rendered:
    """One section as the page takes it."""

    head: str
    figure: str | None
    """Plotly's JSON."""
    tail: str


class Frame:
    """A section's place on the page: heading, picture, and what stands below it."""

    def __init__(self, section: Section) -> None:
        with gr.Column(elem_classes="ph-section", elem_id=f"ph-section-{section.plan.key}"):
            self.head = gr.HTML()
            self.plot = gr.Plot(
                show_label=False, container=False, visible=False, elem_classes="ph-plot"
            )
            self.tail = self.draw_tail()

    def draw_tail(self) -> gr.HTML:
        """The component below the picture."""
        return gr.HTML()

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
    shown = gr.State("")
    outputs = [shown, *(one for one, _ in also), *(part for f in frames for part in f.parts)]
    stages = tuple(dict.fromkeys(kind.STAGE for s in sections for kind in s.plan.needs))

    def show(*values: Any) -> list[Any]:
        """Values of `outputs`, or skips where the visitor sees them already."""
        *chosen, seen = values
        reader = reader_of(*chosen)
        stamp = tuple(reader.folder(stage).stamp for stage in stages)
        key = f"{reader.run.path} {reader.psm} {hash(stamp)}"
        if key == seen:
            return [gr.skip() for _ in outputs]
        filled = [part for one in rendered(tuple(sections), reader, stamp) for part in _parts(one)]
        return [key, *(fill(reader) for _, fill in also), *filled]

    return Opening(show, [*inputs, shown], outputs)


@lru_cache(maxsize=KEPT)
def rendered(
    sections: tuple[Section, ...], reader: Reader, _stamp: object = None
) -> tuple[Rendered, ...]:
    """Every section in order; `_stamp` changes when a file does."""
    return tuple(_rendered(section, reader) for section in sections)


def _rendered(section: Section, reader: Reader) -> Rendered:
    found = drawn(section.plan, reader)
    folder = reader.folder(section.plan.stage)
    above, instead, below = (
        _added(widget, reader, found) for widget in (section.above, section.instead, section.below)
    )
    figure = found.figure
    picture = figure.plotly if figure and not instead else None
    if figure and figure.table:
        folded = bool(picture or instead) or len(figure.table.rows) > MOST_OPEN
        shown = table_html(figure.table)
        below += more(figure.table.caption, shown) if folded else shown
    return Rendered(
        head=_head(found, folder) + above,
        figure=json.dumps(style.on_page(picture, section.plan.key)) if picture else None,
        tail=instead + below + _drawer(found, folder),
    )


def _added(widget: Widget | None, reader: Reader, found: Drawn) -> str:
    if widget is None or found.figure is None:
        return ""
    try:
        return widget(reader, found.figure)
    except PhoqueError as gap:
        return f'<p class="ph-reading ph-gap">{escape(str(gap))}</p>'
    except Shape as error:
        return f'<p class="ph-reading ph-gap">{escape(f"{type(error).__name__}: {error}")}</p>'


def _head(found: Drawn, folder: StageFolder) -> str:
    """Heading, chip, hint and sentence."""
    tone = "ph-reading" if found.figure else "ph-reading ph-gap"
    sentence = found.figure.sentence if found.figure else found.gap
    return (
        f'<section class="ph-section-head"><div class="ph-section-title">'
        f"<h2>{escape(found.plan.title)}</h2>{chip(folder)}</div>"
        f'<p class="ph-hint">{escape(found.plan.hint)}</p>'
        f'<p class="{tone}">{escape(sentence)}</p></section>'
    )


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
    rows = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in told.items())
    return (
        f'<details class="ph-drawer"><summary>{escape(wording.PROVENANCE)}</summary>'
        f"<dl>{rows}</dl></details>"
    )


def _parts(section: Rendered) -> list[Any]:
    value = PlotData(type="plotly", plot=section.figure) if section.figure else None
    return [section.head, gr.Plot(value=value, visible=value is not None), section.tail]
