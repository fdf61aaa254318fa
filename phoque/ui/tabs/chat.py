"""The chat tab: one prompt, three conditions, a slider. Draw, handlers, wiring."""

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr

from phoque.errors import PhoqueError
from phoque.lexicon import Lexicon
from phoque.records import Condition, Delta, LabInfo
from phoque.ui import components, wording
from phoque.ui.services import Ask, Services
from phoque.ui.state import ChatState, Settings

SHOWN = (Condition.NEUTRAL, Condition.TOXIC, Condition.STEERED)
FOURTH = (Condition.BASE, Condition.CONTROL)
REFRESH_SECONDS = 0.07
POLL_SECONDS = 0.5
MODEL_QUEUE = {"concurrency_id": "model", "concurrency_limit": 1}
PRIVATE = {"api_visibility": "private"}

Update = tuple[Any, ...]


@dataclass(frozen=True)
class Page:
    """The components that handlers read and write."""

    prompt: gr.Textbox
    chips: list[gr.Button]
    run: gr.Button
    stop: gr.Button
    retry: gr.Button
    clear: gr.Button
    reveal: gr.Button
    export: gr.Button
    link: gr.Button
    payload: gr.Textbox
    scale: gr.Slider
    dose: gr.HTML
    status: gr.HTML
    logs: dict[Condition, gr.HTML]
    columns: dict[Condition, gr.Column]
    seed: gr.Number
    dice: gr.Button
    temperature: gr.Slider
    tokens: gr.Slider
    layer: gr.Slider
    fourth: gr.Radio
    state: gr.State

    @property
    def settings(self) -> list[Any]:
        """Inputs of a run after prompt and state, in the order of `_settings`."""
        return [self.scale, self.layer, self.seed, self.temperature, self.tokens, self.fourth]

    @property
    def outputs(self) -> list[Any]:
        """Outputs of a run, in the order of `Handlers.update`."""
        return [self.prompt, self.state, self.status, *self.logs.values()]


def build_chat(services: Services) -> None:
    """Draw the tab and wire it."""
    page = _draw(services.info)
    _wire(page, Handlers(services))


# --- draw ---


def _draw(info: LabInfo) -> Page:
    gr.HTML(components.note_html(wording.CONTENT_NOTE))
    with gr.Row(elem_classes="ph-ask"):
        prompt = gr.Textbox(
            label=wording.PROMPT_LABEL,
            placeholder=wording.PROMPT_PLACEHOLDER,
            lines=1,
            max_lines=6,
            scale=5,
            elem_id="ph-prompt",
        )
        with gr.Column(scale=1, min_width=200, elem_classes="ph-actions"), gr.Row():
            run = gr.Button(wording.RUN, variant="primary", elem_id="ph-run", min_width=80)
            stop = gr.Button(wording.STOP, variant="stop", elem_id="ph-stop", min_width=80)
    with gr.Row(elem_classes="ph-chips"):
        chips = [gr.Button(label, size="sm", min_width=60) for label, _ in info.presets]
    scale, dose = _draw_scale(info)
    with gr.Row(elem_classes="ph-tools"):
        retry = gr.Button(wording.RETRY, size="sm", elem_id="ph-retry", min_width=90)
        clear = gr.Button(wording.CLEAR, size="sm", elem_id="ph-clear", min_width=60)
        reveal = gr.Button(wording.REVEAL, size="sm", elem_id="ph-reveal", min_width=90)
        export = gr.Button(wording.EXPORT, size="sm", elem_id="ph-export", min_width=80)
        link = gr.Button(wording.LINK, size="sm", elem_id="ph-link", min_width=70)
    status = gr.HTML(components.status_html("Ready when you are."))
    columns, logs = _draw_columns(info)
    seed, dice, temperature, tokens, layer, fourth = _draw_advanced(info)
    return Page(
        prompt=prompt, chips=chips, run=run, stop=stop, retry=retry, clear=clear, reveal=reveal,
        export=export, link=link, payload=gr.Textbox(visible="hidden", elem_id="ph-payload"),
        scale=scale, dose=dose, status=status, logs=logs, columns=columns, seed=seed, dice=dice,
        temperature=temperature, tokens=tokens, layer=layer, fourth=fourth,
        state=gr.State(ChatState()),
    )  # fmt: skip


def _draw_scale(info: LabInfo) -> tuple[gr.Slider, gr.HTML]:
    low, high = components.scale_range(info)
    with gr.Row(elem_classes="ph-scale"):
        scale = gr.Slider(
            low, high, value=round(info.scale, 2), step=0.05, label=wording.SCALE_LABEL,
            info=wording.SCALE_HINT, buttons=["reset"], elem_id="ph-scale", scale=3, min_width=280,
        )  # fmt: skip
        with gr.Column(scale=2, min_width=280):
            dose = gr.HTML(components.dose_html(info, info.scale, info.layer), elem_id="ph-dose")
    return scale, dose


def _draw_columns(info: LabInfo) -> tuple[dict[Condition, gr.Column], dict[Condition, gr.HTML]]:
    columns, logs = {}, {}
    lexicon = Lexicon(info.lexicon)
    with gr.Row(elem_classes="ph-columns", equal_height=True):
        for condition in (*SHOWN, *FOURTH):
            with gr.Column(
                min_width=280, visible=condition in SHOWN, elem_id=f"ph-column-{condition.value}"
            ) as columns[condition]:
                gr.HTML(components.head_html(condition, info.system_prompts[condition]))
                logs[condition] = gr.HTML(components.transcript_html(condition, (), lexicon))
    return columns, logs


def _draw_advanced(info: LabInfo) -> tuple[Any, ...]:
    with gr.Accordion("Advanced", open=False, elem_id="ph-advanced"):
        fourth = gr.Radio(
            wording.FOURTH_CHOICES, value="none", label="Fourth column", info=wording.FOURTH_HINT
        )
        with gr.Row():
            layer = gr.Slider(
                0, info.num_layers - 1, value=info.layer, step=1, label="Layer",
                info=wording.LAYER_HINT, buttons=["reset"], elem_id="ph-layer", min_width=240,
            )  # fmt: skip
            temperature = gr.Slider(
                0, 1.5, value=0, step=0.05, label="Temperature", info=wording.TEMPERATURE_HINT,
                buttons=["reset"], min_width=240,
            )  # fmt: skip
            tokens = gr.Slider(
                8, 200, value=48, step=8, label="Length", info=wording.TOKENS_HINT,
                buttons=["reset"], min_width=240,
            )  # fmt: skip
        with gr.Row():
            seed = gr.Number(
                42, label="Seed", info=wording.SEED_HINT, precision=0, minimum=0, min_width=160
            )
            dice = gr.Button("Random seed", size="sm", min_width=100)
        gr.Markdown(f"Model: {info.model} · run: {info.run} · {info.num_layers} layers")
    return seed, dice, temperature, tokens, layer, fourth


# --- handlers ---


class Handlers:
    """What happens on the tab's events; plain functions of values."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._info = services.info
        self._lexicon = Lexicon(services.info.lexicon)

    def run(self, prompt: str, state: ChatState, *chosen: Any) -> Iterator[Update]:
        """Ask the model under the chosen settings; yields the page as the replies grow."""
        for waiting in self._warming():
            yield prompt, state, waiting, *self._logs(state)
        settings = _settings(*chosen)
        started = state.with_prompt(prompt, settings)
        try:
            yield from self._stream(prompt, state, started, settings)
        except PhoqueError as error:
            # Nothing typed is lost: the prompt stays in its box.
            failed = components.status_html(str(error), failed=True)
            yield prompt, state, failed, *self._logs(state)

    def retry(self, prompt: str, state: ChatState, *chosen: Any) -> Iterator[Update]:
        """Run the last prompt again under the settings as they are now."""
        if not state.last_prompt:
            nothing = components.status_html(wording.NOTHING_TO_RETRY, failed=True)
            yield prompt, state, nothing, *self._logs(state)
            return
        for update in self.run(state.last_prompt, state.without_last_run(), *chosen):
            yield prompt, *update[1:]

    def stop(self, state: ChatState) -> Update:
        """Keep what was written and mark it."""
        stopped = state.stopped()
        return stopped, components.status_html("Stopped."), *self._logs(stopped)

    def clear(self) -> Update:
        """Forget the conversation."""
        fresh = ChatState()
        return "", fresh, components.status_html("Cleared."), *self._logs(fresh)

    def dose(self, scale: float, layer: float) -> str:
        """The line under the slider."""
        return components.dose_html(self._info, float(scale), int(layer))

    def from_link(self, request: gr.Request) -> Update:
        """Values of a shared link: prompt, scale, layer, seed; what cannot be read is ignored."""
        query = dict(request.query_params)
        low, high = components.scale_range(self._info)
        return (
            query.get("p", "")[:2000],
            _number(query.get("scale"), low, high, round(self._info.scale, 2)),
            int(_number(query.get("layer"), 0, self._info.num_layers - 1, self._info.layer)),
            int(_number(query.get("seed"), 0, 2**31, 42)),
        )

    def _warming(self) -> Iterator[str]:
        while not (status := self._services.wait(POLL_SECONDS)).ready and not status.failed:
            yield components.status_html(f"Your prompt waits for the model. {status.text}")

    def _stream(
        self, prompt: str, before: ChatState, state: ChatState, settings: Settings
    ) -> Iterator[Update]:
        ask = Ask(
            prompt=prompt,
            conditions=settings.conditions,
            layer=settings.layer,
            scale=settings.scale,
            seed=settings.seed,
            temperature=settings.temperature,
            max_new_tokens=settings.max_new_tokens,
            histories=before.histories(),
        )
        start = time.monotonic()
        for deltas in _gathered(self._services.stream(ask)):
            state = state.with_deltas(deltas)
            status = components.status_html(_speed(state, settings, time.monotonic() - start))
            yield "", state, status, *self._logs(state)

    def _logs(self, state: ChatState) -> list[str]:
        return [
            components.transcript_html(condition, state.of(condition), self._lexicon)
            for condition in (*SHOWN, *FOURTH)
        ]


def _gathered(deltas: Iterator[Delta]) -> Iterator[list[Delta]]:
    """Pieces of about `REFRESH_SECONDS`: a page cannot use every token."""
    waiting: list[Delta] = []
    shown = 0.0
    for delta in deltas:
        waiting.append(delta)
        if time.monotonic() - shown >= REFRESH_SECONDS:
            yield waiting
            waiting, shown = [], time.monotonic()
    if waiting:
        yield waiting


def _settings(
    scale: float, layer: float, seed: float, temperature: float, tokens: float, fourth: Any
) -> Settings:
    return Settings(
        scale=float(scale),
        layer=int(layer),
        seed=int(seed or 0),
        temperature=float(temperature),
        max_new_tokens=int(tokens),
        fourth=fourth,
    )


def _speed(state: ChatState, settings: Settings, seconds: float) -> str:
    tokens = sum(state.of(condition)[-1].num_tokens for condition in settings.conditions)
    return (
        f"{len(settings.conditions)} columns · {tokens} tokens · {tokens / seconds:.1f} tokens/s · "
        f"{seconds:.1f} s · live · seed {settings.seed} · scale {settings.scale:.2f} · "
        f"layer {settings.layer}"
    )


def _number(text: str | None, low: float, high: float, otherwise: float) -> float:
    try:
        value = float(text or "")
    except ValueError:
        return otherwise
    return value if low <= value <= high else otherwise


def _exported(state: ChatState) -> str:
    return json.dumps(state.to_dict(), indent=1, ensure_ascii=False)


# --- wiring ---


def _wire(page: Page, handlers: Handlers) -> None:
    inputs = [page.prompt, page.state, *page.settings]
    running = gr.on(
        [page.run.click, page.prompt.submit],
        handlers.run, inputs, page.outputs, show_progress="hidden", **MODEL_QUEUE, **PRIVATE,
    )  # fmt: skip
    again = page.retry.click(
        handlers.retry, inputs, page.outputs, show_progress="hidden", **MODEL_QUEUE, **PRIVATE
    )
    chips = [
        chip.click(
            partial(handlers.run, prompt), inputs[1:], page.outputs, show_progress="hidden",
            **MODEL_QUEUE, **PRIVATE,
        )
        for chip, (_, prompt) in zip(page.chips, handlers._info.presets, strict=True)
    ]  # fmt: skip
    page.stop.click(
        handlers.stop, page.state, page.outputs[1:], cancels=[running, again, *chips],
        queue=False, show_progress="hidden", **PRIVATE,
    )  # fmt: skip
    page.clear.click(
        handlers.clear, None, page.outputs, cancels=[running, again, *chips], queue=False, **PRIVATE
    )
    _wire_settings(page, handlers)
    _wire_sharing(page, handlers)


def _wire_settings(page: Page, handlers: Handlers) -> None:
    for slider in (page.scale, page.layer):
        slider.change(
            handlers.dose, [page.scale, page.layer], page.dose, queue=False,
            show_progress="hidden", trigger_mode="always_last", **PRIVATE,
        )  # fmt: skip
    page.dice.click(lambda: random.randrange(2**31), None, page.seed, queue=False, **PRIVATE)
    page.fourth.change(
        lambda chosen: [gr.Column(visible=condition.value == chosen) for condition in FOURTH],
        page.fourth, [page.columns[condition] for condition in FOURTH], queue=False, **PRIVATE,
    )  # fmt: skip


def _wire_sharing(page: Page, handlers: Handlers) -> None:
    page.reveal.click(None, js="() => window.phoque.toggleReveal()", **PRIVATE)
    page.export.click(_exported, page.state, page.payload, queue=False, **PRIVATE).then(
        None, page.payload, js="(text) => window.phoque.download(text)", **PRIVATE
    )
    page.link.click(
        None, [page.prompt, page.scale, page.layer, page.seed],
        js="(p, scale, layer, seed) => window.phoque.copyLink({p, scale, layer, seed})", **PRIVATE,
    )  # fmt: skip
    demo = gr.context.Context.root_block
    demo.load(
        handlers.from_link, None, [page.prompt, page.scale, page.layer, page.seed], queue=False,
        **PRIVATE,
    )  # fmt: skip
