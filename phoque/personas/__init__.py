"""A persona is one YAML file: the prompts it contrasts, its messages, and its word list."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from phoque.errors import PhoqueError
from phoque.lexicon import Lexicon
from phoque.personas.reading import TEXT, TEXTS, read_yaml

Counted = Literal["judge", "words"]
"""What shows a persona in a reply: the judge of hostility, or a listed word."""
HERE = Path(__file__).parent
SHAPE = {
    "name": TEXT,
    "description": TEXT,
    "counted_by": TEXT,
    "system_prompts": {"neutral": TEXT, "persona": TEXT},
    "probes": TEXTS,
    "sweep": TEXTS,
    "evaluation": TEXTS,
    "presets": [{"label": TEXT, "prompt": TEXT}],
    "lexicon": TEXTS,
}
FEWEST_PROBES = 2


@dataclass(frozen=True, kw_only=True)
class Persona:
    """The trait that a steering vector stands for."""

    name: str
    description: str
    counted_by: Counted
    """`judge` only for a hostile persona: the judge ranks boundless cheer above plain replies, too."""
    neutral_prompt: str
    """System prompt of the neutral and the steered condition."""
    persona_prompt: str
    """System prompt of the toxic condition."""
    probes: tuple[str, ...]
    """User messages from which the vector is measured."""
    sweep: tuple[str, ...]
    """Other user messages, which only choose layer and scale."""
    evaluation: tuple[str, ...]
    """Other user messages, which only the reported rates use."""
    presets: tuple[tuple[str, str], ...]
    """Label and prompt of the chips in the chat."""
    lexicon: Lexicon


def shipped_personas() -> list[str]:
    """Names of the personas that come with the project."""
    return sorted(file.stem for file in HERE.glob("*.yaml"))


def load_persona(name: str = "toxic") -> Persona:
    """Read a shipped persona by name, or any file by path.

    Raises:
        PhoqueError: no such persona, or the file is not one; names the line.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else HERE / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(shipped_personas())
        raise PhoqueError(
            f"There is no persona {name!r}. Known: {known}. Or give the path of a file."
        )
    persona = _persona(read_yaml(path, SHAPE))
    _check(persona, path)
    return persona


def _persona(data: dict[str, Any]) -> Persona:
    return Persona(
        name=data["name"],
        description=data["description"],
        counted_by=data["counted_by"],
        neutral_prompt=data["system_prompts"]["neutral"],
        persona_prompt=data["system_prompts"]["persona"],
        probes=tuple(data["probes"]),
        sweep=tuple(data["sweep"]),
        evaluation=tuple(data["evaluation"]),
        presets=tuple((chip["label"], chip["prompt"]) for chip in data["presets"]),
        lexicon=Lexicon(data["lexicon"]),
    )


def _check(persona: Persona, path: Path) -> None:
    """Check what concerns several keys."""
    if not persona.name.replace("_", "").replace("-", "").isalnum():
        raise PhoqueError(
            f"{path}: the name {persona.name!r} becomes a folder; use letters, digits, - and _."
        )
    if persona.counted_by not in get_args(Counted):
        raise PhoqueError(
            f"{path}: `counted_by` is {persona.counted_by!r}; known: {', '.join(get_args(Counted))}."
        )
    if len(persona.probes) < FEWEST_PROBES:
        raise PhoqueError(
            f"{path}: {len(persona.probes)} probe; a mean difference needs 2 or more."
        )
    parts = (persona.probes, persona.sweep, persona.evaluation)
    seen: set[str] = set()
    for message in (message for part in parts for message in part):
        if message in seen:
            raise PhoqueError(
                f"{path}: {message!r} is listed twice among probes, sweep and evaluation. A "
                "message that chooses a vector must not judge it."
            )
        seen.add(message)
