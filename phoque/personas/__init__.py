"""A persona is one YAML file: what it contrasts, how it is probed, how it is counted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from phoque.errors import PhoqueError
from phoque.lexicon import Lexicon

HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Persona:
    """The trait a steering vector contrasts."""

    name: str
    description: str
    neutral_prompt: str
    """System prompt of the neutral and the steered condition."""
    persona_prompt: str
    """System prompt of the toxic condition."""
    probes: tuple[str, ...]
    """User messages the vector is measured on."""
    sweep: tuple[str, ...]
    """Other user messages, used only to choose layer and scale."""
    evaluation: tuple[str, ...]
    """Other user messages, used only for the reported rates."""
    presets: tuple[tuple[str, str], ...]
    """Label and prompt of the chips in the chat."""
    lexicon: Lexicon


def load_persona(name: str = "toxic") -> Persona:
    """Read a shipped persona by name, or any file by path.

    Raises:
        PhoqueError: no such persona, or a key is missing.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else HERE / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in HERE.glob("*.yaml")))
        raise PhoqueError(f"There is no persona {name!r}. Known: {known}, or the path of a file.")
    try:
        return _persona(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (KeyError, TypeError, yaml.YAMLError) as error:
        raise PhoqueError(f"The persona file {path} cannot be read: {error!r}.") from error


def _persona(data: dict[str, Any]) -> Persona:
    return Persona(
        name=data["name"],
        description=data["description"],
        neutral_prompt=data["system_prompts"]["neutral"],
        persona_prompt=data["system_prompts"]["persona"],
        probes=tuple(data["probes"]),
        sweep=tuple(data["sweep"]),
        evaluation=tuple(data["evaluation"]),
        presets=tuple((chip["label"], chip["prompt"]) for chip in data["presets"]),
        lexicon=Lexicon(data["lexicon"]),
    )
