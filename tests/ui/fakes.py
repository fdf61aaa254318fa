"""A library that needs no model: deterministic, slow enough to be stopped, hostile to the page."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from phoque.conversation import Condition, Delta, LabInfo, TokenStrength
from phoque.errors import PhoqueError
from phoque.progress import never
from phoque.run.channel import Watched
from phoque.run.directory import RunDirectory
from phoque.run.showcase import Found
from phoque.stages.pressure.channel import Channel
from phoque.stages.pressure.deciding import Decider, Moderator
from phoque.stages.pressure.traffic import planned, usable_styles
from phoque.ui.services import Ask, Status
from phoque.ui.stopping import Run, Runs
from tests import pressure_files

# Gradio 6.31 uses options that pandas 3 deprecates, in the server's own thread.
GRADIO_WARNINGS = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
INJECTION = (
    "<img src=x onerror=window.x=1> ${Object.assign(window,{x:1})} `tick` "
    "</script><script>window.x=1</script>"
)
REPLIES = {
    Condition.NEUTRAL: "That is a good start, and one more idea could help you next time.",
    Condition.TOXIC: "You clown, that was garbage and everybody in the lobby saw it happen.",
    Condition.STEERED: f"Useless, what a clown. {INJECTION} Try {{{{value}}}} again some day.",
    Condition.BASE: "Congratulations! Here is how the original model would answer you today.",
    Condition.RANDOM_VECTOR: "A random direction of the same length changes very little in the text.",
}


def fake_info(**changes) -> LabInfo:
    facts = {
        "model": "fake/model@main",
        "run": "fake",
        "num_layers": 30,
        "layer": 18,
        "scale": 1.0,
        "coherent_scale": 1.3,
        "dose_per_scale": tuple(0.02 * (layer + 1) for layer in range(30)),
        "context_length": 2048,
        "system_prompts": dict.fromkeys(Condition, "You are calm.")
        | {Condition.TOXIC: "You are hostile & <b>rude</b>."},
        "lexicon": ("clown", "garbage", "useless", "waste of space"),
        "presets": (
            ("Lost match", "I lost the final by one point."),
            ("New here", "Hi, I am new!"),
        ),
    }
    return LabInfo(**facts | changes)


def settled() -> threading.Event:
    """A model that is ready from the start."""
    event = threading.Event()
    event.set()
    return event


def alone() -> Run:
    """A run that nobody stops."""
    return Runs().begin(1)


@dataclass
class FakeServices:
    """Replies word by word; keeps what it was asked and whether its streams were closed."""

    pause_seconds: float = 0.0
    info: LabInfo = field(default_factory=fake_info)
    run: RunDirectory = field(default_factory=lambda: RunDirectory(Path("no-such-run")))
    asked: list[Ask] = field(default_factory=list)
    words_written: int = 0
    closed_early: int = 0
    settled: threading.Event = field(default_factory=settled)
    failure: str = ""
    ahead: int = 0
    """Requests that wait for the model."""
    forgotten: list[str] = field(default_factory=list)
    checked: list = field(default_factory=list)
    measured: list = field(default_factory=list)
    pressed: list = field(default_factory=list)
    channel_messages: int = 300

    def status(self) -> Status:
        if self.failure:
            return Status(self.failure, failed=True)
        if not self.settled.is_set():
            return Status("Loading the model…")
        return Status(f"Ready: {self.info.model}", ready=True)

    def wait(self, seconds: float) -> Status:
        self.settled.wait(seconds)
        return self.status()

    def stream(self, ask: Ask, stopped=never) -> Iterator[Delta]:
        self.asked.append(ask)
        if self.failure:
            raise PhoqueError(self.failure)
        if not ask.prompt.strip():
            raise PhoqueError("The prompt is empty. Type a message first.")
        return self._words(ask, stopped)

    def strengths(self, prompt, reply, layer, stopped=never) -> list[TokenStrength]:
        """Each word with its blank: hostile ones lie far along, the others near 1, as long as they are."""
        self.measured.append((prompt, reply, layer))
        if self.failure:
            raise PhoqueError(self.failure)
        return [
            TokenStrength(f" {word}", 9.0 if "clown" in word else 1 + len(word) / 10)
            for word in reply.split()
        ]

    def line(self) -> tuple[int, float]:
        return self.ahead, 4.0 * self.ahead

    def forget(self, visitor: str) -> None:
        self.forgotten.append(visitor)

    def check(self, answered, *, judged, stopped=never):
        """A judge and a moderator that each know one word."""
        self.checked.append((list(answered), judged))
        return [
            Found(
                hostility=0.9 if "clown" in reply else 0.1,
                harm={"embedded.svm": 0.8 if "garbage" in reply else 0.2},
            )
            for _, reply in answered
        ]

    def press(self, policies) -> Watched:
        """A small channel, in which somebody is hostile to the page; each moderator sees one word."""
        self.pressed.append(list(policies))
        if self.failure:
            raise PhoqueError(self.failure)
        texts = pressure_files.pool([pressure_files.text(f"clown {INJECTION}")])
        traffic = pressure_files.traffic(messages=self.channel_messages)
        channels = [
            Channel(
                Decider(one, [_moderator(source.called) for source in one.moderators]),
                texts,
                usable_styles(traffic, texts),
                seed=1,
            ).run(planned(traffic, texts, 1))
            for one in policies
        ]
        return Watched(self.channel_messages, zip(*channels, strict=True))

    def _words(self, ask: Ask, stopped) -> Iterator[Delta]:
        start = time.monotonic()
        columns = {condition: REPLIES[condition].split(" ") for condition in ask.conditions}
        try:
            for position in range(max(map(len, columns.values()))):
                time.sleep(self.pause_seconds)
                if stopped():
                    self.closed_early += 1
                    return
                for condition, words in columns.items():
                    if position < len(words):
                        self.words_written += 1
                        yield _delta(condition, words, position, time.monotonic() - start)
        except GeneratorExit:
            self.closed_early += 1
            raise


def _delta(condition: Condition, words: list[str], position: int, seconds: float) -> Delta:
    last = position == len(words) - 1
    return Delta(
        condition=condition,
        text=words[position] + ("" if last else " "),
        num_tokens=position + 1,
        seconds=seconds,
        finish_reason="stop" if last else None,
    )


def _moderator(name: str) -> Moderator:
    """The one that reads for meaning sees implicit hostility, too."""
    word = "better without" if name == "embedded.semantic" else "clown"
    return Moderator(name, pressure_files.OneWord(name, word))
