"""The chat tab's components: what there is, and how it is laid out."""

from typing import Any

import gradio as gr

from phoque.conversation import DEFAULT_SAMPLING, LabInfo
from phoque.lexicon import Lexicon
from phoque.run.showcase import Showcase
from phoque.ui import components, recorded, wording
from phoque.ui.handlers import COLUMNS, LARGEST_SEED
from phoque.ui.state import DEFAULT_SEED, EXTRAS, LONGEST_REPLY, ChatState
from phoque.ui.verdicts import Rules


class Page:
    """Everything of one panel: message, scale, columns, and what few need behind them."""

    def __init__(
        self, info: LabInfo, showcase: Showcase | None, rules: Rules, number: int = 0
    ) -> None:
        self._info, self._number = info, number
        examples = showcase.examples if showcase else ()
        self.presets = [(one.label, one.prompt) for one in examples] or info.presets
        self._draw_message()
        self.welcome = components.status_html(
            wording.EXAMPLE_SHOWN if showcase else wording.WELCOME
        )
        self.status = gr.HTML(self.welcome)
        with gr.Row(elem_classes="ph-steer"):
            self._draw_scale()
        if showcase:
            gr.HTML(recorded.data_html(showcase, rules, info), elem_classes="ph-recordings")
        self._draw_gate()
        self.logs = self._draw_columns()
        self._draw_by_word()
        with gr.Row(elem_classes="ph-bar"):
            self._draw_tools()
        with gr.Accordion(wording.SETTINGS, open=False):
            self._draw_settings()
        self.state = gr.State(ChatState())

    @property
    def dials(self) -> list[Any]:
        """The components whose values a run takes, in the order that handlers take."""
        return [self.scale, self.layer, self.seed, self.temperature, self.tokens, self.extras]

    @property
    def outputs(self) -> list[Any]:
        """Where an update goes, in the order of `Handlers`; of a prompt only the order to write it."""
        return [self.orders, self.state, self.status, *self.logs]

    @property
    def linked(self) -> list[Any]:
        """The fields that a link fills, in its order."""
        return [self.prompt, self.scale, self.layer, self.seed]

    @property
    def called(self) -> list[Any]:
        """The fields that a call of the library takes, in the order of the script."""
        return [*self.linked, self.temperature, self.tokens]

    def _named(self, name: str) -> str:
        """An id on the page; those of the first panel are plain."""
        return f"ph-{name}-{self._number}" if self._number else f"ph-{name}"

    def _draw_message(self) -> None:
        with gr.Row(elem_classes="ph-ask"):
            self.prompt = gr.Textbox(
                label=wording.PROMPT_LABEL,
                placeholder=wording.PROMPT_PLACEHOLDER,
                lines=1,
                max_lines=6,
                scale=5,
                min_width=280,
            )
            self.run = gr.Button(wording.RUN, variant="primary", scale=0, min_width=100)
            self.stop = gr.Button(wording.STOP, variant="stop", scale=0, min_width=100)
        with gr.Row(elem_classes="ph-chips"):
            self.chips = [gr.Button(label, size="sm", min_width=60) for label, _ in self.presets]
        self.orders = gr.Textbox(visible="hidden")

    def _draw_scale(self) -> None:
        info = self._info
        self.scale = gr.Slider(
            *info.scale_range,
            value=round(info.scale, 2),
            step=0.05,
            label=wording.SCALE_LABEL,
            info=wording.SCALE_HINT,
            buttons=["reset"],
            elem_id=self._named("scale"),
            elem_classes="ph-scale",
            scale=3,
            min_width=280,
        )
        with gr.Column(scale=2, min_width=280):
            dose = components.dose_html(info, info.scale, info.layer)
            self.dose = gr.HTML(dose, elem_id=self._named("dose"))

    def _draw_gate(self) -> None:
        """What stands directly above the columns. The script presses `again` when the scale was moved."""
        note = components.note_html(wording.content_note(self._info.persona))
        with gr.Row(elem_classes="ph-gate"):
            gr.HTML(note, elem_classes="ph-grow")
            self.reveal = gr.Button(
                wording.REVEAL,
                size="sm",
                elem_id=self._named("reveal"),
                elem_classes="ph-show",
                min_width=60,
            )
        with gr.Row(elem_classes="ph-shown"):
            gr.HTML(recorded.line_html(), elem_classes="ph-grow")
            self.live = gr.Button(wording.ASK_LIVE, size="sm", elem_classes="ph-live", min_width=60)
            self.extras = gr.Checkbox(
                value=False,
                label=wording.EXTRAS,
                container=False,
                elem_classes="ph-extras",
                min_width=60,
            )
            self.again = gr.Button(visible="hidden", elem_classes="ph-again")

    def _draw_columns(self) -> list[gr.HTML]:
        """A column holds the recorded reply and the conversation; the script shows one of them."""
        logs, persona = [], self._info.persona
        gr.HTML(components.column_choice_html(COLUMNS, persona), elem_classes="ph-chooser")
        with gr.Row(elem_classes="ph-columns", equal_height=True):
            for condition in COLUMNS:
                kinds = ["ph-column", f"ph-col-{condition.value}"]
                if condition in EXTRAS:
                    kinds.append("ph-extra")
                with gr.Column(min_width=200, elem_classes=kinds):
                    prompt = self._info.system_prompts[condition]
                    gr.HTML(components.head_html(condition, prompt, persona))
                    gr.HTML(recorded.place_html(condition, persona), elem_classes="ph-then")
                    empty = components.transcript_html(condition, (), Lexicon(()), persona=persona)
                    logs.append(gr.HTML(empty, elem_classes="ph-now"))
        return logs

    def _draw_by_word(self) -> None:
        """The script puts into `which` the recorded comparison that is shown."""
        self.by_word = gr.Button(wording.BY_WORD, size="sm", elem_classes="ph-by-word")
        self.which = gr.Textbox(visible="hidden")
        self.words = gr.HTML(elem_classes="ph-read")

    def _draw_tools(self) -> None:
        """What can be done with a conversation. `payload` carries the export to the script."""

        def button(text: str, name: str) -> gr.Button:
            return gr.Button(text, size="sm", elem_id=self._named(name), min_width=60)

        self.retry = button(wording.RETRY, "retry")
        self.clear = button(wording.CLEAR, "clear")
        self.export = button(wording.EXPORT, "export")
        self.link = button(wording.LINK, "link")
        self.python = button(wording.PYTHON, "python")
        self.payload = gr.Textbox(visible="hidden")

    def _draw_settings(self) -> None:
        info, heat = self._info, DEFAULT_SAMPLING.temperature
        with gr.Row():
            self.layer = _dial(wording.LAYER, 0, info.num_layers - 1, info.layer, step=1)
            self.temperature = _dial(wording.TEMPERATURE, 0, 1.5, heat, step=0.05)
            self.tokens = _dial(wording.TOKENS, 8, LONGEST_REPLY, info.reply_tokens, step=8)
        with gr.Row(elem_classes="ph-seed"):
            self.seed = gr.Number(
                DEFAULT_SEED,
                label=wording.SEED.label,
                info=wording.SEED.hint,
                precision=0,
                minimum=0,
                maximum=LARGEST_SEED,
                min_width=240,
            )
            self.dice = gr.Button(wording.DICE, size="sm", min_width=120)
            gr.Button(wording.STAGE, size="sm", min_width=120, elem_classes="ph-stage-size")
        gr.HTML(components.source_html(info))


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
