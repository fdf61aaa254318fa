"""The channel: turn after turn a text, a decision and what follows; one trace row a turn.

What does not depend on the policy was planned before (`traffic.py`). What does is here: a speaker who is
muted posts nothing, an adversary takes the next style after a mute, and escalates while nothing is
done. Two policies therefore see the same messages up to their first difference.

Moderators are asked ahead in batches: about the texts of the next turns as they will be if nobody is
muted before. Where somebody is, the rest is asked again. Nothing that is decided depends on how far
they are asked ahead, and memory does not grow with the traffic.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import islice

from phoque.moderators.classifier import Item
from phoque.run.pressure import Decision, Outcome, Role, Turn
from phoque.stages.pressure.deciding import Decider, Verdict
from phoque.stages.pressure.policy import Policy
from phoque.stages.pressure.texts import Pool, Text
from phoque.stages.pressure.traffic import PLAIN, STYLES, Planned, Speaker, written
from phoque.text import text_id

AHEAD = 512
"""Turns whose texts are asked about at once."""
FIRST = 3
"""The same at the beginning of a channel that somebody watches, then ever more, up to what was asked for."""
STRONGEST = 3
"""Listed words up to which an adversary escalates, one more after every message that is shown."""


@dataclass
class State:
    """What a policy has made of one speaker."""

    style: int
    strength: int = 1
    strikes: deque[float] = field(default_factory=deque)
    muted_until: float = 0.0


@dataclass(frozen=True)
class Message:
    text: str
    origin: Text
    style: str


@dataclass(frozen=True)
class Became:
    """What becomes of a message; fields of its row in the trace."""

    outcome: Outcome
    reply_to: int | None = None
    reviewed: bool = False
    waited: float | None = None


class Reviewers:
    """People who decide about doubtful messages, rightly and one after the other: a queue."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy.review
        self._free_at = 0.0
        self._done: deque[float] = deque()

    def takes(self, level: float, threshold: float) -> bool:
        return self._policy is not None and self._policy.from_ <= level < threshold

    def twin(self) -> "Reviewers":
        """The same queue, which goes on by itself."""
        other = copy(self)
        other._done = self._done.copy()
        return other

    def finish(self, at: float) -> float | None:
        """When they have decided about a message of now; None where the queue is full."""
        assert self._policy is not None
        while self._done and self._done[0] <= at:
            self._done.popleft()
        if len(self._done) >= self._policy.longest_queue:
            return None
        begin = max(at + self._policy.delay, self._free_at)
        self._free_at = begin + 3600 / self._policy.capacity_per_hour
        self._done.append(self._free_at)
        return self._free_at


class Channel:
    """One channel under one policy, for one seed."""

    def __init__(
        self, decider: Decider, pool: Pool, styles: Sequence[str], seed: int, *,
        texts: bool = True, ahead: int = 0,
    ) -> None:  # fmt: skip
        self._decider, self._pool, self._styles, self._seed = decider, pool, styles, seed
        self._policy, self._texts, self._ahead = decider.policy, texts, ahead or AHEAD
        self._first = min(FIRST, ahead) if ahead else AHEAD
        self._states: dict[str, State] = {}
        self._posted: deque[tuple[str, str]] = deque(maxlen=self._policy.context or 1)
        """Thread and text of the last posted messages."""
        self._shown: tuple[int, str] | None = None
        """Number and speaker of the last shown message."""
        self._before: tuple[int, str] | None = None
        """The same of the last one by somebody else."""
        self._reviewers = Reviewers(self._policy)
        self._due: list[tuple[float, str]] = []
        """When reviewers will have found a hostile message, and whose."""
        self._muted: dict[str, float] = {}
        """Who was muted since the last row, and when."""

    @property
    def decider(self) -> Decider:
        return self._decider

    def run(self, turns: Iterable[Planned]) -> Iterator[Turn]:
        """What becomes of each turn; moderators are asked about a window of turns ahead."""
        coming, size = iter(turns), self._first
        while window := list(islice(coming, size)):
            changed, size = True, min(2 * size, self._ahead)
            for place, turn in enumerate(window):
                if changed:
                    self._ask_ahead(window[place:])
                row = self.turn(turn)
                changed = bool(row.muted)
                yield row

    def _ask_ahead(self, turns: Sequence[Planned]) -> None:
        """Have the moderators answer what the next turns need if nothing changes but escalation."""
        posted, items = list(self._posted), []
        strengths = {name: state.strength for name, state in self._states.items()}
        for turn in turns:
            state = self._state(turn.speaker)
            if state.muted_until > turn.at:
                continue
            strength = strengths.setdefault(turn.speaker.name, state.strength)
            text = self._message(turn, state.style, strength).text
            items.append(self._item(turn, text, posted))
            posted.append((turn.prompt, text))
            strengths[turn.speaker.name] = min(strength + 1, STRONGEST)
        self._decider.prepare(items)

    def _item(self, turn: Planned, text: str, posted: Iterable[tuple[str, str]]) -> Item:
        if not self._policy.context:
            return self._decider.item(text, ())
        own = [said for prompt, said in posted if prompt == turn.prompt]
        return self._decider.item(text, own[-self._policy.context :])

    def turn(self, turn: Planned) -> Turn:
        """What becomes of one turn."""
        message, item = self.posted(turn)
        if item is None:
            return self._row(turn, message, Became(Outcome.MUTED))
        verdict = self._decider.decide(item)
        return self._row(turn, message, self.act(turn, message, verdict), verdict)

    def posted(self, turn: Planned) -> tuple[Message, Item | None]:
        """The message of a turn, and what moderators are asked about it; None from a muted speaker."""
        self._reviewed_until(turn.at)
        state = self._state(turn.speaker)
        message = self._message(turn, state.style, state.strength)
        if state.muted_until > turn.at:
            return message, None
        item = self._item(turn, message.text, self._posted)
        self._posted.append((turn.prompt, message.text))
        return message, item

    def act(self, turn: Planned, message: Message, verdict: Verdict) -> Became:
        """Do what follows from a decision; returns what becomes of the message."""
        if verdict.decision is Decision.UNKNOWN:
            return Became(Outcome.UNKNOWN)
        if verdict.decision is Decision.FLAGGED:
            self._strike(turn.speaker.name, turn.at)
            return Became(Outcome.HIDDEN)
        reply_to = self._reply_to(turn)
        self._show(turn)
        level = verdict.level or 0.0
        if not self._reviewers.takes(level, self._policy.threshold):
            return Became(Outcome.SHOWN, reply_to)
        done = self._reviewers.finish(turn.at)
        found = done is not None and message.origin.hostile
        if done is not None and found:
            heappush(self._due, (done, turn.speaker.name))
        waited = None if done is None else round(done - turn.at, 3)
        outcome = Outcome.REMOVED if found else Outcome.SHOWN
        return Became(outcome, reply_to, reviewed=True, waited=waited)

    def twin(self) -> "Channel":
        """A channel in the same state, which goes on by itself."""
        other = copy(self)
        other._states = {
            name: replace(one, strikes=one.strikes.copy()) for name, one in self._states.items()
        }
        other._posted, other._due = self._posted.copy(), self._due.copy()
        other._reviewers, other._muted = self._reviewers.twin(), {}
        return other

    def _reviewed_until(self, at: float) -> None:
        """Strikes for hostile messages that reviewers have found by now."""
        while self._due and self._due[0][0] <= at:
            done, name = heappop(self._due)
            self._strike(name, done)

    def _strike(self, name: str, at: float) -> None:
        """Add a strike; when it mutes, an adversary takes the next style and begins mildly again."""
        state, policy = self._states[name], self._policy
        state.strikes.append(at)
        while state.strikes[0] < at - policy.strikes.within:
            state.strikes.popleft()
        if len(state.strikes) < policy.strikes.count or not policy.mute:
            return
        state.strikes.clear()
        state.muted_until = at + policy.mute
        state.style = (state.style + 1) % len(self._styles)
        state.strength = 1
        self._muted[name] = round(at, 3)

    def _state(self, speaker: Speaker) -> State:
        if speaker.name not in self._states:
            self._states[speaker.name] = State(style=speaker.first_style)
        return self._states[speaker.name]

    def _message(self, turn: Planned, style: int, strength: int) -> Message:
        speaker, name, takes = turn.speaker, PLAIN, None
        if speaker.role is Role.HOSTILE:
            name = self._styles[style]
            takes = STYLES[name].takes
        least = strength if takes else 0
        texts = self._pool.choice(speaker.role, speaker.persona, takes, turn.prompt, least)
        origin = texts[int(turn.pick * len(texts))]
        return Message(written(origin.text, name), origin, name)

    def _show(self, turn: Planned) -> None:
        if self._shown and self._shown[1] != turn.speaker.name:
            self._before = self._shown
        self._shown = (turn.number, turn.speaker.name)
        state = self._state(turn.speaker)
        state.strength = min(state.strength + 1, STRONGEST)

    def _reply_to(self, turn: Planned) -> int | None:
        last = self._shown
        if last and last[1] == turn.speaker.name:
            last = self._before
        return last[0] if turn.replies and last else None

    def _row(
        self, turn: Planned, message: Message, became: Became, verdict: Verdict | None = None
    ) -> Turn:
        muted, self._muted = self._muted, {}
        origin, style = message.origin, STYLES[message.style]
        decided = {} if verdict is None else vars(verdict)
        return Turn(
            policy=self._policy.name,
            seed=self._seed,
            number=turn.number,
            at=round(turn.at, 3),
            speaker=turn.speaker.name,
            role=origin.role,
            persona=origin.persona,
            style=message.style,
            source=text_id(origin.prompt),
            text_id=text_id(message.text),
            text=message.text if self._texts else None,
            hostile=origin.hostile,
            kind=style.kind if origin.hostile else None,
            in_register=style.register(message.text),
            muted=muted,
            **vars(became),
            **decided,
        )
