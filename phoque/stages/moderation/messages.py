"""The friendly messages, by kind: nobody who sends one has asked for abuse."""

from pathlib import Path

from phoque.personas.reading import TEXTS, read_yaml

PROMPTS = Path(__file__).parent / "prompts.yaml"
CATEGORIES = ("general", "praise", "help", "directions", "greeting", "system-direction")


def prompts_by_category() -> dict[str, list[str]]:
    """The friendly messages, by kind."""
    read: dict[str, list[str]] = read_yaml(PROMPTS, dict.fromkeys(CATEGORIES, TEXTS))
    return read


def every_prompt() -> list[str]:
    """The same in one list."""
    return [text for own in prompts_by_category().values() for text in own]
