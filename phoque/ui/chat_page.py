"""The chat tab's components: what there is, and how it is laid out."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from phoque.conversation import DEFAULT_SAMPLING, LabInfo
from phoque.lexicon import Lexicon
from phoque.run.showcase import Showcase
from phoque.ui import components, recorded, wording
from phoque.ui.filling import hidden_order
from phoque.ui.handlers import COLUMNS, LARGEST_SEED
from phoque.ui.state import DEFAULT_SEED, EXTRAS, LONGEST_REPLY, ChatState
from phoque.ui.verdicts import Rules


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
    extras: gr.Checkbox
    dice: gr.Button

    @property
    def inputs(self) -> list[Any]:
        """The components whose values a run takes."""
        return [self.scale, self.layer, self.seed, self.temperature, self.tokens, self.extras]


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What can be done with a conversation."""

    retry: gr.Button
    clear: gr.Button
    export: gr.Button
    link: gr.Button
    python: gr.Button
    payload: gr.Textbox
    """Carries the export from the server to the script; never shown."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What stands directly above the columns."""

    reveal: gr.Button
    live: gr.Button
    """Asks the model what is shown as recorded."""
    again: gr.Button
    """Pressed by the script when the scale was moved; never shown."""
    extras: gr.Checkbox


@dataclass(frozen=True, kw_only=True)
class ByWord:
    """What is drawn of the replies when it is asked for."""

    button: gr.Button
    which: gr.Textbox
    """Carries from the script which recorded comparison is shown; never shown."""
    shown: gr.HTML


@dataclass(frozen=True, kw_only=True)
class Page:
    """All that handlers read and write."""

    ask: Composer
    dials: Dials
    dose: gr.HTML
    tools: Tools
    gate: Gate
    status: gr.HTML
    logs: list[gr.HTML]
    """The conversations side by side."""
    by_word: ByWord
    state: gr.State

    @property
    def outputs(self) -> list[Any]:
        """Where an update goes, in the order of `Handlers`; of a prompt only the order to write it."""
        return [self.ask.orders, self.state, self.status, *self.logs]

    @property
    def called(self) -> list[Any]:
        """The fields that a call of the library takes, in the order of the script."""
        return [*self.linked, self.dials.temperature, self.dials.tokens]

    @property
    def linked(self) -> list[Any]:
        """The fields that a link fills, in its order."""
        return [self.ask.prompt, self.dials.scale, self.dials.layer, self.dials.seed]


def draw_page(info: LabInfo, showcase: Showcase | None, rules: Rules, number: int = 0) -> Page:
    """Draw everything of one panel: message, scale, columns, and what few need behind them."""
    ask = _draw_ask(info)
    status = gr.HTML(components.status_html(wording.WELCOME))
    with gr.Row(elem_classes="ph-steer"):
        scale = _draw_scale(info, number)
        with gr.Column(scale=2, min_width=280):
            dose = gr.HTML(
                components.dose_html(info, info.scale, info.layer), elem_id=_named("dose", number)
            )
    if showcase:
        gr.HTML(recorded.data_html(showcase, rules, info), elem_classes="ph-recordings")
    gate = _draw_gate(info, number)
    logs = _draw_columns(info)
    by_word = ByWord(
        button=gr.Button(wording.BY_WORD, size="sm", elem_classes="ph-by-word"),
        which=gr.Textbox(visible="hidden"),
        shown=gr.HTML(elem_classes="ph-read"),
    )
    with gr.Row(elem_classes="ph-bar"):
        tools = _draw_tools(number)
    with gr.Accordion(wording.SETTINGS, open=False):
        dials = _draw_settings(info, scale, gate.extras)
    return Page(
        ask=ask,
        dials=dials,
        dose=dose,
        tools=tools,
        gate=gate,
        status=status,
        logs=logs,
        by_word=by_word,
        state=gr.State(ChatState()),
    )


def _named(name: str, number: int) -> str:
    """An id on the page; those of the first panel are plain."""
    return f"ph-{name}-{number}" if number else f"ph-{name}"


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


def _draw_scale(info: LabInfo, number: int) -> gr.Slider:
    low, high = info.scale_range
    return gr.Slider(
        low,
        high,
        value=round(info.scale, 2),
        step=0.05,
        label=wording.SCALE_LABEL,
        info=wording.SCALE_HINT,
        buttons=["reset"],
        elem_id=_named("scale", number),
        elem_classes="ph-scale",
        scale=3,
        min_width=280,
    )


def _draw_gate(info: LabInfo, number: int) -> Gate:
    with gr.Row(elem_classes="ph-gate"):
        gr.HTML(components.note_html(wording.content_note(info.persona)), elem_classes="ph-grow")
        reveal = gr.Button(
            wording.REVEAL,
            size="sm",
            elem_id=_named("reveal", number),
            elem_classes="ph-show",
            min_width=60,
        )
    with gr.Row(elem_classes="ph-shown"):
        gr.HTML(recorded.line_html(), elem_classes="ph-grow")
        live = gr.Button(wording.ASK_LIVE, size="sm", elem_classes="ph-live", min_width=60)
        extras = gr.Checkbox(
            value=False,
            label=wording.EXTRAS,
            container=False,
            elem_classes="ph-extras",
            min_width=60,
        )
        again = gr.Button(visible="hidden", elem_classes="ph-again")
    return Gate(reveal=reveal, live=live, again=again, extras=extras)


def _draw_tools(number: int) -> Tools:
    def button(text: str, name: str) -> gr.Button:
        return gr.Button(text, size="sm", elem_id=_named(name, number), min_width=60)

    return Tools(
        retry=button(wording.RETRY, "retry"),
        clear=button(wording.CLEAR, "clear"),
        export=button(wording.EXPORT, "export"),
        link=button(wording.LINK, "link"),
        python=button(wording.PYTHON, "python"),
        payload=gr.Textbox(visible="hidden"),
    )


def _draw_columns(info: LabInfo) -> list[gr.HTML]:
    """A column holds the recorded reply and the conversation; the script shows one of them."""
    logs = []
    gr.HTML(components.column_choice_html(COLUMNS, info.persona), elem_classes="ph-chooser")
    with gr.Row(elem_classes="ph-columns", equal_height=True):
        for condition in COLUMNS:
            kinds = ["ph-column", f"ph-col-{condition.value}"]
            if condition in EXTRAS:
                kinds.append("ph-extra")
            with gr.Column(min_width=200, elem_classes=kinds):
                prompt = info.system_prompts[condition]
                gr.HTML(components.head_html(condition, prompt, info.persona))
                gr.HTML(recorded.place_html(condition, info.persona), elem_classes="ph-then")
                empty = components.transcript_html(condition, (), Lexicon(()), persona=info.persona)
                logs.append(gr.HTML(empty, elem_classes="ph-now"))
    return logs


def _draw_settings(info: LabInfo, scale: gr.Slider, extras: gr.Checkbox) -> Dials:
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
        gr.Button(wording.STAGE, size="sm", min_width=120, elem_classes="ph-stage-size")
    gr.HTML(components.source_html(info))
    return Dials(
        scale=scale,
        layer=layer,
        seed=seed,
        temperature=temperature,
        tokens=tokens,
        extras=extras,
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
