"""What one visitor's session holds, and how it changes; no gradio, no torch."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from phoque.conversation import DEFAULT_SAMPLING, MAIN_CONDITIONS, Condition, Delta, Message
from phoque.run.showcase import Found

EXTRAS = (Condition.BASE, Condition.RANDOM_VECTOR)
"""Columns that are computed where a visitor asks for them."""
MOVED = (Condition.STEERED, Condition.RANDOM_VECTOR)
"""Columns that the scale changes."""
UNREAD = Found(hostility=None, harm={})
"""Of a reply that neither judge nor moderator has read."""
Finish = Literal["", "stop", "length", "deadline", "stopped"]
WHOLE = ("stop", "length")
"""Ends of a reply that come again when it is asked again."""
DEFAULT_SEED = 42
LONGEST_REPLY = 200
"""Tokens: what one visitor may ask of a machine that all share."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the visitor chose for the next run."""

    scale: float
    layer: int
    seed: int = DEFAULT_SEED
    temperature: float = DEFAULT_SAMPLING.temperature
    max_new_tokens: int = 48
    extras: bool = False
    """Whether base model and random vector answer, too."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The columns to compute; a hidden one costs nothing."""
        return MAIN_CONDITIONS + (EXTRAS if self.extras else ())


@dataclass(frozen=True)
class Turn:
    """A prompt and what one condition has written so far."""

    prompt: str
    reply: str = ""
    num_tokens: int = 0
    finish: Finish = ""
    """Empty while the reply is being written."""
    found: Found | None = None
    """None until the moderators have read it."""
    judging: bool = False
    """Whether the judge still reads it."""

    @property
    def settled(self) -> bool:
        """Whether nothing more comes."""
        return bool(self.finish) and self.found is not None and not self.judging

    def with_delta(self, delta: Delta) -> "Turn":
        reply, finish = self.reply + delta.text, delta.finish_reason or ""
        return replace(self, reply=reply, num_tokens=delta.num_tokens, finish=finish)


@dataclass(frozen=True)
class ChatState:
    """The conversations of all columns; every method returns a new state."""

    turns: Mapping[Condition, tuple[Turn, ...]] = field(default_factory=dict)
    settings: tuple[Settings, ...] = ()
    """Settings of every run, in order."""
    visitor: str = ""
    """Of which browser session; not a part of the conversation."""

    def of(self, condition: Condition) -> tuple[Turn, ...]:
        return self.turns.get(condition, ())

    def with_prompt(
        self, prompt: str, settings: Settings, columns: Collection[Condition] = tuple(Condition)
    ) -> "ChatState":
        """A new turn in every column of this run, or in those of `columns` only."""
        # A piece that arrives just after Stop may have left the last turn open.
        settled = self.stopped()
        asked = [c for c in settings.conditions if c in columns]
        added = {c: (*settled.of(c), Turn(prompt)) for c in asked}
        return replace(self, turns={**settled.turns, **added}, settings=(*self.settings, settings))

    def with_deltas(self, deltas: Iterable[Delta]) -> "ChatState":
        """The pieces appended to the last turn of their columns."""
        turns = dict(self.turns)
        for delta in deltas:
            *earlier, last = turns[delta.condition]
            turns[delta.condition] = (*earlier, last.with_delta(delta))
        return replace(self, turns=turns)

    def stopped(self) -> "ChatState":
        """Replies that were still being written are kept and marked."""
        return replace(self, turns={c: _marked(turns) for c, turns in self.turns.items()})

    def with_found(self, found: Mapping[Condition, Found], *, judging: bool = False) -> "ChatState":
        """What was found in the last replies of these columns, and whether the judge still reads."""
        read = {
            c: (*self.of(c)[:-1], replace(self.of(c)[-1], found=one, judging=judging))
            for c, one in found.items()
        }
        return replace(self, turns={**self.turns, **read})

    def without_last_run(self, columns: Collection[Condition] = tuple(Condition)) -> "ChatState":
        """The state before the last prompt, for running it again in these columns."""
        if not self.settings:
            return self
        kept = {
            c: turns[:-1] if c in self.settings[-1].conditions and c in columns else turns
            for c, turns in self.turns.items()
        }
        return replace(self, turns=kept, settings=self.settings[:-1])

    def unmoved(self, settings: Settings) -> "ChatState | None":
        """The state once the last prompt is asked with scale 0, where that is known without asking.

        Nothing is added at scale 0, so the columns that the scale changes write what *Neutral* wrote.
        None at another scale, where an earlier reply differs, or where Neutral's was cut off.
        """
        moved = [c for c in MOVED if c in settings.conditions]
        earlier, last = self.without_last_run().histories(), self.of(Condition.NEUTRAL)[-1:]
        whole = all(turn.settled and turn.finish in WHOLE for turn in last)
        alike = all(earlier[c] == earlier[Condition.NEUTRAL] for c in moved)
        if settings.scale or not (whole and alike):
            return None
        turns = {**self.turns, **{c: (*self.of(c)[:-1], *last) for c in moved}}
        return replace(self, turns=turns, settings=(*self.settings[:-1], settings))

    @property
    def last_prompt(self) -> str:
        """What was asked last; empty at the start."""
        neutral = self.of(Condition.NEUTRAL)
        return neutral[-1].prompt if neutral else ""

    def histories(self) -> dict[Condition, list[Message]]:
        """Earlier turns of each column, each with its own replies."""
        return {
            c: [
                m for t in turns for m in (Message("user", t.prompt), Message("assistant", t.reply))
            ]
            for c, turns in self.turns.items()
        }

    def to_dict(self) -> dict[str, Any]:
        columns = {
            c.value: [asdict(t) | {"found": t.found and t.found.model_dump()} for t in turns]
            for c, turns in self.turns.items()
        }
        return {"runs": [asdict(settings) for settings in self.settings], "columns": columns}


def _marked(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    if not turns or turns[-1].settled:
        return turns
    last = turns[-1]
    settled = replace(
        last, finish=last.finish or "stopped", found=last.found or UNREAD, judging=False
    )
    return (*turns[:-1], settled)
