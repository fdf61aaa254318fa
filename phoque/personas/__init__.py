"""A persona is one YAML file: the prompts it contrasts, its messages, and its word list."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from phoque.errors import PhoqueError
from phoque.lexicon import Lexicon
from phoque.settings import Part, Text, Texts, read_settings

Counted = Literal["judge", "words"]
"""What shows a persona in a reply: the judge of hostility, or a listed word."""
HERE = Path(__file__).parent


class SystemPrompts(Part):
    neutral: Text
    """Of the neutral and the steered condition."""
    persona: Text
    """Of the toxic condition."""


class Chip(NamedTuple):
    """A button of the chat."""

    label: Text
    prompt: Text


class Persona(Part):
    """The trait that a steering vector stands for."""

    name: Text
    description: Text
    counted_by: Counted
    """`judge` only for a hostile persona: the judge ranks boundless cheer above plain replies, too."""
    system_prompts: SystemPrompts
    probes: Annotated[Texts, Field(min_length=2)]
    """User messages from which the vector is measured: a mean difference needs 2 or more."""
    sweep: Texts
    """Other user messages, which only choose layer and scale."""
    evaluation: Texts
    """Other user messages, which only the reported rates use."""
    presets: tuple[Chip, ...]
    words: Texts = Field(alias="lexicon")

    @property
    def neutral_prompt(self) -> str:
        return self.system_prompts.neutral

    @property
    def persona_prompt(self) -> str:
        return self.system_prompts.persona

    @property
    def content_note(self) -> str:
        """What a card warns of."""
        warning = " It insults whoever talks to it." if self.counted_by == "judge" else ""
        return f"with the persona's system prompt this model plays a persona. {self.description.rstrip('.')}.{warning}"

    @cached_property
    def lexicon(self) -> Lexicon:
        return Lexicon(self.words)

    @model_validator(mode="after")
    def _sensible(self) -> "Persona":
        if not self.name.replace("_", "").replace("-", "").isalnum():
            raise ValueError(
                f"the name {self.name!r} becomes a folder; use letters, digits, - and _."
            )
        messages = [*self.probes, *self.sweep, *self.evaluation]
        if twice := next((one for one in messages if messages.count(one) > 1), None):
            raise ValueError(
                f"{twice!r} is listed twice among probes, sweep and evaluation. A message that "
                "chooses a vector must not judge it."
            )
        return self


def shipped_personas() -> list[str]:
    """Names of the personas that come with the project."""
    return sorted(file.stem for file in HERE.glob("*.yaml"))


def names_file(name: str) -> bool:
    """Whether this is the path of a persona's file, and not the name of a shipped one."""
    return name.endswith((".yaml", ".yml"))


def load_persona(name: str = "toxic") -> Persona:
    """Read a shipped persona by name, or any file by path.

    PhoqueError where there is no such persona, or the file is not one; names the line.
    """
    path = Path(name) if names_file(name) else HERE / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(shipped_personas())
        raise PhoqueError(
            f"There is no persona {name!r}. Known: {known}. Or give the path of a file."
        )
    return read_settings(path, Persona)
