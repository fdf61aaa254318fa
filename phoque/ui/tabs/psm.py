"""The PSM tab: where a persona lives and what shows that it is causal. Drawn when it is opened."""

import gradio as gr

from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.ui.events import QUICK, Opening
from phoque.ui.psm.heatmap import heat_grid, replies_html
from phoque.ui.psm.sections import SECTIONS
from phoque.ui.results import Frame, intro, results
from phoque.ui.services import Services

INTRO = (
    "Where in the model does the persona live, and is that place the cause? All numbers were measured beforehand. "
    "Each drawer counts replies with prompts, a dose and a threshold of its own, and says which. So the shares differ "
    "from drawer to drawer, and from the number on top."
)
NOTHING_CHOSEN = '<p class="ph-empty">No cell chosen yet. Its replies will stand here.</p>'


def build_psm(services: Services) -> Opening:
    """Draw the frame; returns what fills it when the tab is opened."""
    run = services.run
    names = [(_label(run, name), name) for name in folders(run)]
    persona = intro(INTRO, names, value="psm", label="Persona")
    frames = [_HeatFrame(one) if one.instead is heat_grid else Frame(one) for one in SECTIONS]
    (heat,) = [frame for frame in frames if isinstance(frame, _HeatFrame)]

    def reader_of(name: object) -> Reader:
        return reader_named(run, name)

    def replies_of(name: str, event: gr.EventData) -> str:
        reader = reader_of(name)
        return replies_html(reader, persona_of(reader), int(event.layer), float(event.dose))

    also = [(heat.replies, lambda _: NOTHING_CHOSEN)]
    opening = results(SECTIONS, frames, reader_of, [persona], also)
    persona.change(opening.fill, opening.inputs, opening.outputs, **QUICK)
    heat.tail.click(replies_of, persona, heat.replies, **QUICK)
    return opening


class _HeatFrame(Frame):
    """The heat map with the replies of the cell that was pressed beside it."""

    replies: gr.HTML

    def draw_tail(self, pressed: str | None) -> gr.HTML:
        with gr.Row(elem_classes="ph-heat-row"):
            with gr.Column(min_width=300, scale=3):
                tail = gr.HTML(js_on_load=pressed)
            with gr.Column(min_width=300, scale=4):
                self.replies = gr.HTML(NOTHING_CHOSEN)
        return tail


def folders(run: RunDirectory) -> list[str]:
    """The run's own persona first, then those that were measured besides."""
    return ["psm", *sorted(path.name for path in run.path.glob("psm-*") if path.is_dir())]


def reader_named(run: RunDirectory, name: object) -> Reader:
    """Reads one of `folders`; the own persona for a name that is not there."""
    return Reader(run, psm=str(name) if name in folders(run) else "psm")


def persona_of(reader: Reader) -> str:
    """Whose results these are."""
    return reader.run.known().persona if reader.psm == "psm" else reader.psm.removeprefix("psm-")


def _label(run: RunDirectory, name: str) -> str:
    persona = persona_of(Reader(run, psm=name))
    return f"{persona} (trained here)" if name == "psm" else persona
