"""What happens on the chat's events: functions of values, so they are tested without a page."""

import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from phoque.conversation import Condition, Delta, LabInfo
from phoque.errors import PhoqueError
from phoque.lexicon import Lexicon
from phoque.ui import components, wording
from phoque.ui.services import Ask, Services
from phoque.ui.state import DEFAULT_SEED, MOVED, UNREAD, ChatState, Settings
from phoque.ui.verdicts import Rules

COLUMNS = tuple(Condition)
REFRESH_SECONDS = 0.07
POLL_SECONDS = 0.5
LONGEST_LINKED_PROMPT = 2000
LARGEST_SEED = 2**31 - 1

Update = tuple[Any, ...]


class Handlers:
    """The chat's events. An update is prompt, state, status line, then every column's log."""

    def __init__(self, services: Services, rules: Rules | None = None) -> None:
        self._services = services
        self._rules = rules or Rules(None, {})
        self._lexicon = Lexicon(services.info.lexicon)

    @property
    def persona(self) -> str:
        """Name of the run's persona."""
        return self._info.persona

    @property
    def _info(self) -> LabInfo:
        """Read late: an opened model may know better than its run's files."""
        return self._services.info

    def run(self, prompt: str, state: ChatState, *chosen: Any) -> Iterator[Update]:
        """Ask the model under the chosen settings; yields the page as the replies grow."""
        # An example's text goes to the box; later updates leave the box to the visitor's typing.
        yield self._update(state, wording.ASKING, prompt=prompt)
        yield from self._answer(prompt, state, _settings(*chosen), after="")

    def retry(self, state: ChatState, *chosen: Any) -> Iterator[Update]:
        """Run the last prompt again under the settings as they are now."""
        if not state.last_prompt:
            yield self._update(state, wording.NOTHING_TO_RETRY, failed=True)
            return
        before = state.without_last_run()
        yield from self._answer(
            state.last_prompt, before, _settings(*chosen), after=gr.skip(), kept=state
        )

    def steer(self, state: ChatState, *chosen: Any) -> Iterator[Update]:
        """Write again what the scale changes, as it was asked for last; other columns stay."""
        before = state.settings[-1] if state.settings else None
        now = _settings(*chosen)
        if before is None or (before.scale, before.layer) == (now.scale, now.layer):
            yield tuple(gr.skip() for _ in range(3 + len(COLUMNS)))
            return
        yield from self._answer(
            state.last_prompt,
            state.without_last_run(MOVED),
            replace(before, scale=now.scale, layer=now.layer),
            after=gr.skip(),
            kept=state,
            columns=MOVED,
        )

    def stop(self, state: ChatState) -> Update:
        """Keep what was written and mark it."""
        return self._update(state.stopped(), wording.STOPPED)

    def clear(self, state: ChatState) -> Update:
        """Forget the conversation."""
        self._services.forget(state.visitor)
        return self._update(ChatState(visitor=state.visitor), wording.CLEARED, prompt="")

    def arrive(self, request: gr.Request) -> ChatState:
        """The empty conversation of a visitor."""
        return ChatState(visitor=request.session_hash or "")

    def dose(self, scale: float, layer: float) -> str:
        """The line under the slider."""
        return components.dose_html(self._info, float(scale), int(layer))

    def exported(self, state: ChatState) -> str:
        """The conversation with all that is needed to repeat it, as JSON."""
        source = {
            "model": self._info.model,
            "run": self._info.run,
            "system_prompts": dict(self._info.system_prompts),
        }
        return json.dumps(source | state.to_dict(), indent=1, ensure_ascii=False)

    def from_link(self, request: gr.Request, *, first: bool = True) -> Update:
        """Prompt, scale, layer, seed and status for a shared link; it fills in and never runs.

        A link that names no persona means the `first`; one of another persona says nothing here.
        """
        query: Mapping[str, str] = dict(request.query_params)
        own = self._info.persona
        if query.get("persona", own if first else "") != own:
            query = {}
        low, high = self._info.scale_range
        ranges = {
            "scale": (low, high, round(self._info.scale, 2)),
            "layer": (0, self._info.num_layers - 1, self._info.layer),
            "seed": (0, LARGEST_SEED, DEFAULT_SEED),
        }
        values = {key: _number(query.get(key), *ranges[key]) for key in ranges}
        unread = [key for key, value in values.items() if value is None]
        scale, layer, seed = (
            ranges[key][2] if value is None else value for key, value in values.items()
        )
        note = wording.unread_link(unread) if unread else wording.WELCOME
        prompt = query.get("p", "")[:LONGEST_LINKED_PROMPT]
        return prompt, scale, int(layer), int(seed), components.status_html(note)

    def _answer(
        self,
        prompt: str,
        before: ChatState,
        settings: Settings,
        *,
        after: Any,
        kept: ChatState | None = None,
        columns: Collection[Condition] = COLUMNS,
    ) -> Iterator[Update]:
        """Wait for the model, then stream, then have the replies read.

        `after` is what the box holds once replies begin, `kept` what the page shows until then.
        """
        asked = [c for c in settings.conditions if c in columns]
        try:
            for status in self._warming():
                yield self._update(kept or before, status)
            state, status = before, ""
            for state, seconds in self._stream(prompt, before, settings, asked):
                status = _speed(state, settings, asked, seconds)
                yield self._update(state, status, prompt=after)
                after = gr.skip()
            yield self._read(state, status, asked)
        except PhoqueError as error:
            # Nothing typed is lost: the box was not emptied, and the turn is not kept.
            yield self._update(kept or before, str(error), failed=True)

    def _read(self, state: ChatState, status: str, asked: Sequence[Condition]) -> Update:
        """What judge and moderators say of the replies just written."""
        last = [state.of(condition)[-1] for condition in asked]
        try:
            found = self._services.check(
                [(turn.prompt, turn.reply) for turn in last], judged=self._rules.judge is not None
            )
        except PhoqueError as error:  # the replies stand; only what is said of them is missing
            unread = state.with_found(dict.fromkeys(asked, UNREAD))
            return self._update(unread, wording.UNCHECKED.format(error), failed=True)
        return self._update(state.with_found(dict(zip(asked, found, strict=True))), status)

    def _warming(self) -> Iterator[str]:
        while not (status := self._services.wait(POLL_SECONDS)).ready and not status.failed:
            yield f"{wording.WAITING} {status.text}"

    def _stream(
        self, prompt: str, before: ChatState, settings: Settings, asked: Sequence[Condition]
    ) -> Iterator[tuple[ChatState, float]]:
        ask = Ask(
            prompt=prompt,
            conditions=asked,
            layer=settings.layer,
            scale=settings.scale,
            seed=settings.seed,
            temperature=settings.temperature,
            max_new_tokens=settings.max_new_tokens,
            histories=before.histories(),
            visitor=before.visitor,
        )
        state = before.with_prompt(prompt, settings, asked)
        start = time.monotonic()
        for deltas in gathered(self._services.stream(ask)):
            state = state.with_deltas(deltas)
            yield state, time.monotonic() - start

    def _update(
        self, state: ChatState, status: str, *, failed: bool = False, prompt: Any = None
    ) -> Update:
        box = gr.skip() if prompt is None else prompt
        logs = [
            components.transcript_html(
                condition,
                state.of(condition),
                self._lexicon,
                persona=self._info.persona,
                rules=self._rules,
            )
            for condition in COLUMNS
        ]
        return box, state, components.status_html(status, failed=failed), *logs


def gathered(deltas: Iterator[Delta]) -> Iterator[list[Delta]]:
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


def _settings(  # the values of six components, in the page's order
    scale: float, layer: float, seed: float | None, temperature: float, tokens: float, extras: Any
) -> Settings:
    return Settings(
        scale=float(scale),
        layer=int(layer),
        seed=DEFAULT_SEED if seed is None else int(seed),
        temperature=float(temperature),
        max_new_tokens=int(tokens),
        extras=bool(extras),
    )


def _speed(state: ChatState, settings: Settings, asked: Sequence[Condition], seconds: float) -> str:
    tokens = sum(state.of(condition)[-1].num_tokens for condition in asked)
    return (
        f"{components.counted(len(asked), 'column')} · {tokens} tok · {tokens / seconds:.1f} tok/s · "
        f"{seconds:.1f} s · live · seed {settings.seed} · scale {settings.scale:.2f} · "
        f"layer {settings.layer}"
    )


def _number(text: str | None, low: float, high: float, otherwise: float) -> float | None:
    """The number in `text`; `otherwise` where there is none, None where it cannot be used."""
    if text is None:
        return otherwise
    try:
        value = float(text)
    except ValueError:
        return None
    return value if low <= value <= high else None
