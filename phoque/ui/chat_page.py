"""The chat tab's components: what there is, and how it is laid out."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from phoque.conversation import DEFAULT_SAMPLING, MAIN_CONDITIONS, Condition, LabInfo
from phoque.lexicon import Lexicon
from phoque.ui import components, wording
from phoque.ui.filling import hidden_order
from phoque.ui.handlers import COLUMNS, LARGEST_SEED
from phoque.ui.state import DEFAULT_SEED, LONGEST_REPLY, ChatState


@dataclass(frozen=True, kw_only=True)
class Composer:
    """Where a prompt is written and sent."""

    prompt: gr.Textbox
    orders: gr.Textbox
    """Carries to the script what the server wants to write into the fields; never shown."""
    run: gr.Button
    stop: gr.Button
    chips: list[gr.Button]


@dataclass(frozen=True, kw_only=True)
class Dials:
    """What the next run is made with, in the order that handlers take."""

    scale: gr.Slider
    layer: gr.Slider
    seed: gr.Number
    temperature: gr.Slider
    tokens: gr.Slider
    fourth: gr.Radio
    dice: gr.Button

    @property
    def inputs(self) -> list[Any]:
        """The components whose values a run takes."""
        return [self.scale, self.layer, self.seed, self.temperature, self.tokens, self.fourth]


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What can be done with a conversation."""

    retry: gr.Button
    reveal: gr.Button
    clear: gr.Button
    export: gr.Button
    link: gr.Button
    payload: gr.Textbox
    """Carries the export from the server to the script; never shown."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The conversations side by side."""

    boxes: dict[Condition, gr.Column]
    logs: dict[Condition, gr.HTML]


@dataclass(frozen=True, kw_only=True)
class Page:
    """All that handlers read and write."""

    ask: Composer
    dials: Dials
    dose: gr.HTML
    tools: Tools
    status: gr.HTML
    columns: Columns
    state: gr.State

    @property
    def outputs(self) -> list[Any]:
        """Where an update goes, in the order of `Handlers`; of a prompt only the order to write it."""
        return [self.ask.orders, self.state, self.status, *self.columns.logs.values()]

    @property
    def linked(self) -> list[Any]:
        """The fields that a link fills, in its order."""
        return [self.ask.prompt, self.dials.scale, self.dials.layer, self.dials.seed]


def draw_page(info: LabInfo) -> Page:
    """Draw everything on the tab."""
    gr.HTML(components.note_html(wording.CONTENT_NOTE))
    ask = _draw_ask(info)
    with gr.Row(elem_classes="ph-steer"):
        scale = _draw_scale(info)
        with gr.Column(scale=2, min_width=280):
            dose = gr.HTML(components.dose_html(info, info.scale, info.layer), elem_id="ph-dose")
    with gr.Row(elem_classes="ph-bar"):
        tools = _draw_tools()
        status = gr.HTML(components.status_html(wording.WELCOME), elem_classes="ph-grow")
    columns = _draw_columns(info)
    with gr.Accordion(wording.ADVANCED, open=False):
        dials = _draw_advanced(info, scale)
    return Page(
        ask=ask,
        dials=dials,
        dose=dose,
        tools=tools,
        status=status,
        columns=columns,
        state=gr.State(ChatState()),
    )


def _draw_ask(info: LabInfo) -> Composer:
    with gr.Row(elem_classes="ph-ask"):
        prompt = gr.Textbox(
            label=wording.PROMPT_LABEL,
            placeholder=wording.PROMPT_PLACEHOLDER,
            lines=1,
            max_lines=6,
            scale=5,
            min_width=280,
        )
        run = gr.Button(wording.RUN, variant="primary", scale=0, min_width=100)
        stop = gr.Button(wording.STOP, variant="stop", scale=0, min_width=100)
    with gr.Row(elem_classes="ph-chips"):
        chips = [gr.Button(label, size="sm", min_width=60) for label, _ in info.presets]
    return Composer(prompt=prompt, orders=hidden_order(), run=run, stop=stop, chips=chips)


def _draw_scale(info: LabInfo) -> gr.Slider:
    low, high = info.scale_range
    return gr.Slider(
        low,
        high,
        value=round(info.scale, 2),
        step=0.05,
        label=wording.SCALE_LABEL,
        info=wording.SCALE_HINT,
        buttons=["reset"],
        elem_id="ph-scale",
        scale=3,
        min_width=280,
    )


def _draw_tools() -> Tools:
    def button(text: str, name: str) -> gr.Button:
        return gr.Button(text, size="sm", elem_id=f"ph-{name}", min_width=60)

    return Tools(
        retry=button(wording.RETRY, "retry"),
        reveal=button(wording.REVEAL, "reveal"),
        clear=button(wording.CLEAR, "clear"),
        export=button(wording.EXPORT, "export"),
        link=button(wording.LINK, "link"),
        payload=gr.Textbox(visible="hidden"),
    )


def _draw_columns(info: LabInfo) -> Columns:
    boxes, logs = {}, {}
    nothing = Lexicon(())
    with gr.Row(elem_classes="ph-columns", equal_height=True):
        for condition in COLUMNS:
            shown = condition in MAIN_CONDITIONS
            with gr.Column(min_width=280, visible=shown, elem_classes="ph-column") as box:
                gr.HTML(components.head_html(condition, info.system_prompts[condition]))
                logs[condition] = gr.HTML(components.transcript_html(condition, (), nothing))
            boxes[condition] = box
    return Columns(boxes=boxes, logs=logs)


def _draw_advanced(info: LabInfo, scale: gr.Slider) -> Dials:
    fourth = gr.Radio(
        wording.FOURTH_CHOICES, value="none", label=wording.FOURTH_LABEL, info=wording.FOURTH_HINT
    )
    with gr.Row():
        layer = _dial(wording.LAYER, 0, info.num_layers - 1, info.layer, step=1)
        temperature = _dial(wording.TEMPERATURE, 0, 1.5, DEFAULT_SAMPLING.temperature, step=0.05)
        tokens = _dial(wording.TOKENS, 8, LONGEST_REPLY, 48, step=8)
    with gr.Row(elem_classes="ph-seed"):
        seed = gr.Number(
            DEFAULT_SEED,
            label=wording.SEED.label,
            info=wording.SEED.hint,
            precision=0,
            minimum=0,
            maximum=LARGEST_SEED,
            min_width=240,
        )
        dice = gr.Button(wording.DICE, size="sm", min_width=120)
    gr.HTML(components.source_html(info))
    return Dials(
        scale=scale,
        layer=layer,
        seed=seed,
        temperature=temperature,
        tokens=tokens,
        fourth=fourth,
        dice=dice,
    )


def _dial(words: wording.Dial, low: float, high: float, value: float, *, step: float) -> gr.Slider:
    return gr.Slider(
        low,
        high,
        value=value,
        step=step,
        label=words.label,
        info=words.hint,
        buttons=["reset"],
        min_width=240,
    )
