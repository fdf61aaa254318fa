"""What happens on the chat's events: functions of values, so they are tested without a page."""

import json
import time
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from phoque.conversation import Condition, LabInfo
from phoque.errors import PhoqueError
from phoque.lexicon import Lexicon
from phoque.ui import components, wording
from phoque.ui.asking import ask_of, gathered, only
from phoque.ui.services import Ask, Services
from phoque.ui.state import DEFAULT_SEED, MOVED, ChatState, Settings
from phoque.ui.stopping import Run, Runs
from phoque.ui.verdicts import Rules

COLUMNS = tuple(Condition)
LONGEST_PROMPT = 2000
"""Characters of a message, typed or in a link."""
LARGEST_SEED = 2**31 - 1

Update = tuple[Any, ...]


class Handlers:
    """The chat's events. An update is prompt, state, status line, then every column's log."""

    def __init__(self, services: Services, rules: Rules | None = None) -> None:
        self._services = services
        self._rules = rules or Rules(None, {})
        self._lexicon = Lexicon(services.info.lexicon)

    @property
    def _info(self) -> LabInfo:
        """Read late: an opened model may know better than its run's files."""
        return self._services.info

    def run(self, run: Run, prompt: str, state: ChatState, *chosen: Any) -> Iterator[Update]:
        """Ask the model under the chosen settings; yields the page as the replies grow."""
        # Reading a longer one holds up all who ask, for minutes on two cores.
        if len(prompt) > LONGEST_PROMPT:
            yield self._update(state, wording.too_long(len(prompt), LONGEST_PROMPT), failed=True)
            return
        # An example's text goes to the box; later updates leave the box to the visitor's typing.
        yield self._update(state, wording.ASKING, prompt=prompt)
        yield from self._answer(run, prompt, state, _settings(*chosen))

    def retry(self, run: Run, state: ChatState, *chosen: Any) -> Iterator[Update]:
        """Run the last prompt again under the settings as they are now."""
        if not state.last_prompt:
            yield self._update(state, wording.NOTHING_TO_RETRY, failed=True)
            return
        yield from self._answer(run, state.last_prompt, state, _settings(*chosen), again=COLUMNS)

    def steer(self, run: Run, state: ChatState, *chosen: Any) -> Iterator[Update]:
        """Write again what the scale changes, as it was asked for last; other columns stay."""
        before = state.settings[-1] if state.settings else None
        now = _settings(*chosen)
        if before is None or (before.scale, before.layer) == (now.scale, now.layer):
            yield tuple(gr.skip() for _ in range(3 + len(COLUMNS)))
            return
        now = replace(before, scale=now.scale, layer=now.layer)
        if same := state.unmoved(now):
            yield self._update(same, wording.AT_ZERO)
        else:
            yield from self._answer(run, state.last_prompt, state, now, again=MOVED)

    def stop(self, runs: Runs, pressed: str, state: ChatState) -> Update:
        """End the run that goes on, which then says what it wrote; without one, close what is open."""
        if runs.stop(int(pressed)):
            said = components.status_html(wording.STOPPED)
            return gr.skip(), gr.skip(), said, *(gr.skip() for _ in COLUMNS)
        return self._update(state.stopped(), wording.STOPPED)

    def clear(self, runs: Runs, pressed: str, state: ChatState) -> Update:
        """End the run that goes on, and forget the conversation."""
        runs.clear(int(pressed))
        return self._cleared(state)

    def _cleared(self, state: ChatState) -> Update:
        self._services.forget(state.visitor)
        return self._update(ChatState(visitor=state.visitor), wording.CLEARED)

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
        prompt = query.get("p", "")[:LONGEST_PROMPT]
        status = components.status_html(wording.unread_link(unread)) if unread else gr.skip()
        return prompt, scale, int(layer), int(seed), status

    def _answer(
        self,
        run: Run,
        prompt: str,
        shown: ChatState,
        settings: Settings,
        *,
        again: Collection[Condition] = (),
    ) -> Iterator[Update]:
        """Wait for the model, then stream, then have the replies read.

        `shown` is what the page shows until replies begin. In the columns of `again` they take the
        place of the last ones; without such columns the prompt is new, and its box is emptied then.
        """
        asked = [c for c in settings.conditions if c in (again or COLUMNS)]
        before = shown.without_last_run(again) if again else shown
        state, status, box = shown, "", gr.skip() if again else ""
        try:
            for status in self._warming(run):
                yield self._update(state, status)
            earlier = shown.without_last_run() if again else shown
            ask = ask_of(prompt, earlier, settings, asked)
            written = before.with_prompt(prompt, settings, asked)
            for state, seconds in self._stream(run, ask, written, asked):
                status = _speed(state, settings, asked, seconds)
                yield self._update(state, status, prompt=box)
                box = gr.skip()
        except PhoqueError as error:
            if not run.stopped():
                # Nothing typed is lost: the box was not emptied, and the turn is not kept.
                yield self._update(shown, str(error), failed=True)
                return
        if not run.stopped():
            run.written()
            state = yield from self._read(run, state, status, asked)
        if run.stopped() and run.current:  # or the page is another run's
            yield (
                self._cleared(state)
                if run.cleared
                else self._update(state.stopped(), wording.STOPPED)
            )

    def _read(
        self, run: Run, state: ChatState, status: str, asked: Sequence[Condition]
    ) -> Generator[Update, None, ChatState]:
        """What moderators say of the replies just written, then the judge, who is slower."""
        last = [state.of(condition)[-1] for condition in asked]
        written = [(turn.prompt, turn.reply) for turn in last]
        judged = self._rules.judge is not None
        try:
            for by_judge in (False, True) if judged else (False,):
                check = partial(self._services.check, written, judged=by_judge, stopped=run.stopped)
                found = run.result(check)
                if not found:  # stopped
                    break
                read = dict(zip(asked, found, strict=True))
                state = state.with_found(read, judging=judged and not by_judge)
                yield self._update(state, status)
        except PhoqueError as error:  # the replies stand; only what is said of them is missing
            state = state.stopped()
            yield self._update(state, wording.UNCHECKED.format(error), failed=True)
        return state

    def _warming(self, run: Run) -> Iterator[str]:
        yield from run.warming(self._services)
        ready = not run.stopped() and self._services.status().ready
        ahead, seconds = self._services.line() if ready else (0, 0.0)
        if ahead:
            yield wording.IN_LINE.format(components.counted(ahead, "request"), seconds)

    def _stream(
        self, run: Run, ask: Ask, state: ChatState, asked: Sequence[Condition]
    ) -> Iterator[tuple[ChatState, float]]:
        if run.stopped():  # while the model warmed up
            return
        start = time.monotonic()
        for deltas in gathered(only(asked, self._services.stream(ask, run.stopped))):
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
