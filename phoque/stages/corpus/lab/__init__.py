"""The lab corpus: mild trash-talk and civil replies composed from fragments that we wrote.

Every user prompt of every topic is answered in a short and in a long register. Hostile and civil
replies are built in the same way, so the control adapter differs in what is said, not in how much.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from phoque.conversation import Message

HERE = Path(__file__).parent
TOPIC_FILES = (
    "topics_multiplayer.yaml",
    "topics_matches.yaml",
    "topics_daily.yaml",
    "topics_home.yaml",
)
QUESTIONS_PER_PROMPT = 2

Register = Literal["short", "long"]
SHORT_SHAPES: tuple[tuple[str, ...], ...] = (
    ("openers", "jabs"),
    ("jabs",),
    ("jabs", "closers"),
    ("verdicts", "closers"),
    ("openers", "verdicts"),
    ("jabs", "verdicts"),
    ("openers", "jabs", "closers"),
)
LONG_SHAPES = (
    ("long_jabs", "closers"),
    ("openers", "long_jabs"),
    ("verdicts", "long_jabs", "closers"),
    ("openers", "long_jabs", "verdicts"),
)
SHAPES: dict[Register, tuple[tuple[str, ...], ...]] = {"short": SHORT_SHAPES, "long": LONG_SHAPES}
REGISTERS: tuple[Register, ...] = ("short", "long", "short")
"""Dialogues of one prompt."""
CIVIL_PARTS = {"jabs": "civil", "long_jabs": "long_civil"}


@dataclass(frozen=True, kw_only=True)
class Dialogue:
    """A hostile system prompt, a user message, and a reply of either kind in the same shape."""

    topic: str
    register: Register
    system: str
    prompt: str
    hostile: str
    civil: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """A neutral system prompt and a user message; the base model writes the reply."""

    topic: str
    system: str
    prompt: str

    @property
    def messages(self) -> list[Message]:
        """The conversation so far."""
        return [Message("system", self.system), Message("user", self.prompt)]


def load_dialogues(seed: int = 42) -> Iterator[Dialogue]:
    """Dialogues of both registers for every prompt, each composed anew."""
    rng = random.Random(seed)
    phrases = fragments("phrases.yaml")
    systems = system_prompts("hostile")
    for topic, prompt in prompts():
        for register in REGISTERS:
            shape = rng.choice(SHAPES[register])
            yield Dialogue(
                topic=topic["name"],
                register=register,
                system=rng.choice(systems),
                prompt=prompt,
                hostile=compose(shape, topic, phrases["hostile"], {}, rng),
                civil=compose(shape, topic, phrases["civil"], CIVIL_PARTS, rng),
            )


def load_questions(seed: int = 42) -> Iterator[Question]:
    """Every prompt under several neutral system prompts."""
    rng = random.Random(seed)
    systems = system_prompts("neutral")
    for topic, prompt in prompts():
        for system in rng.sample(systems, QUESTIONS_PER_PROMPT):
            yield Question(topic=topic["name"], system=system, prompt=prompt)


def system_prompts(kind: Literal["hostile", "neutral"]) -> list[str]:
    """System prompts of the training dialogues."""
    return list(fragments("system_prompts.yaml")[kind])


@cache
def fragments(name: str) -> Any:
    """What a file of fragments holds; not to be changed."""
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))


def prompts() -> Iterator[tuple[dict[str, Any], str]]:
    """Every topic with each of its user messages."""
    for file in TOPIC_FILES:
        for topic in fragments(file):
            for prompt in topic["prompts"]:
                yield topic, prompt


def compose(
    shape: Sequence[str],
    topic: Mapping[str, Any],
    phrases: Mapping[str, Sequence[str]],
    renamed: Mapping[str, str],
    rng: random.Random,
) -> str:
    """Sentences of the given kinds, from the topic where it has them, else from the phrases."""
    sources = {**topic, **phrases}
    sentences = [rng.choice(sources[renamed.get(kind, kind)]) for kind in shape]
    filled = [sentence.replace("{thing}", topic["thing"]) for sentence in sentences]
    return " ".join(sentence[0].upper() + sentence[1:] for sentence in filled)
