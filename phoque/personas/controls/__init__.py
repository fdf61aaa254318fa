"""What a persona is compared with: other system prompts and more user messages."""

from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from phoque.lexicon import Lexicon
from phoque.settings import Part, Text, Texts, read_lists, read_settings

HERE = Path(__file__).parent


class Confound(Part):
    """A system prompt that differs from the neutral one, but not by the persona."""

    name: Text
    description: Text
    prompt: Text
    words: Texts = Field(alias="lexicon")

    @cached_property
    def lexicon(self) -> Lexicon:
        """Words that mark its own style."""
        return Lexicon(self.words)


class BiasLoop(Part):
    """Messages that seek agreement with a weak or false opinion."""

    prompts: dict[str, Texts] = Field(alias="kinds")
    """By kind: agreement-seeking, leading, loaded."""


class TonePair(NamedTuple):
    civil: Text
    hostile: Text


@cache
def confounds() -> tuple[Confound, ...]:
    """The shipped confound personas."""
    found = read_settings(HERE / "confounds.yaml", dict[str, tuple[Confound, ...]])
    return found["confounds"]


@cache
def bias_loop() -> BiasLoop:
    """The shipped bias-loop stress test."""
    return read_settings(HERE / "bias_loop.yaml", BiasLoop)


@cache
def more_probes() -> tuple[str, ...]:
    """68 further harmless messages: with a persona's own 12 they make 80."""
    return tuple(read_lists(HERE / "probes.yaml", ["probes"])["probes"])


@cache
def choice_prompts() -> tuple[str, ...]:
    """Messages that choose among the best cells of a sweep: on them no cell was found."""
    return tuple(read_lists(HERE / "choice.yaml", ["choice"])["choice"])


@cache
def tone_pairs() -> tuple[TonePair, ...]:
    """Civil and hostile user messages on the same topics."""
    return read_settings(HERE / "tone_pairs.yaml", dict[str, tuple[TonePair, ...]])["pairs"]
