"""The PSM tab: where a persona lives and what shows that it is causal. Drawn when it is opened."""

import shutil
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import gradio as gr

from phoque.run.directory import VECTORS, RunDirectory
from phoque.run.folder import Reader
from phoque.ui.events import QUICK, Opening
from phoque.ui.psm.heatmap import heat_grid, replies_html
from phoque.ui.psm.sections import SECTIONS
from phoque.ui.results import Frame, intro, results
from phoque.ui.services import Services

INTRO = (
    "Where does the persona live in the model, and is that place the cause? All numbers were measured "
    "beforehand. The drawers count shares of replies, each with its own prompts, dose and threshold. So their shares "
    "differ from each other and from the number on top. Each drawer says how it was measured."
)
SAVED = {
    VECTORS: ("phoque-{}-vectors.safetensors", "Vectors of all layers (safetensors)"),
    "persona_vector.gguf": ("phoque-{}-vector.gguf", "Selected layer for llama.cpp (GGUF)"),
}
"""Files of the folder: what they are called when they are saved, and what the button says."""
NOTHING_CHOSEN = '<p class="ph-empty">No cell chosen yet. Its replies will stand here.</p>'


def build_psm(services: Services) -> Opening:
    """Draw the frame; returns what fills it when the tab is opened."""
    run = services.run
    names = [(_label(run, name), name) for name in folders(run)]
    persona = intro(INTRO, names, value="psm", label="Persona")
    frames = [_HeatFrame(one) if one.instead is heat_grid else Frame(one) for one in SECTIONS]
    (heat,) = [frame for frame in frames if isinstance(frame, _HeatFrame)]
    with gr.Row(elem_classes="ph-bar"):
        save = {
            file: gr.DownloadButton(text, size="sm", visible=False, min_width=60)
            for file, (_, text) in SAVED.items()
        }

    def reader_of(name: object) -> Reader:
        return reader_named(run, name)

    def replies_of(name: str, event: gr.EventData) -> str:
        reader = reader_of(name)
        return replies_html(reader, persona_of(reader), int(event.layer), float(event.dose))

    also = [(heat.replies, lambda _: NOTHING_CHOSEN), *((save[f], _saving(f)) for f in SAVED)]
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


def saved_copy(reader: Reader, file: str) -> str | None:
    """A file of the folder that may be served; None where it is not there."""
    return served(reader.folder("psm").path / file, SAVED[file][0].format(persona_of(reader)))


def served(source: Path, name: str) -> str | None:
    """A copy of the file, under its new name, that may be served, as Gradio serves only what lies in its own folders; None without one, or room for it."""
    try:
        return _copy(source, source.stat().st_mtime_ns, name)
    except OSError:
        return None


@lru_cache(maxsize=32)
def _copy(source: Path, _changed: int, name: str) -> str:
    folder = Path(tempfile.mkdtemp(prefix="phoque-"))
    try:
        return str(shutil.copyfile(source, folder / name))
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _saving(file: str) -> Callable[[Reader], gr.DownloadButton]:
    def button(reader: Reader) -> gr.DownloadButton:
        copy = saved_copy(reader, file)
        return gr.DownloadButton(value=copy, visible=copy is not None)

    return button


def _label(run: RunDirectory, name: str) -> str:
    persona = persona_of(Reader(run, psm=name))
    return f"{persona} (trained here)" if name == "psm" else persona
