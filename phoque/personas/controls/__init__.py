"""What a persona is compared with: other system prompts and more user messages."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from phoque.lexicon import Lexicon
from phoque.personas.reading import TEXT, TEXTS, read_yaml

HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Confound:
    """A system prompt that differs from the neutral one, but not by the persona."""

    name: str
    description: str
    prompt: str
    lexicon: Lexicon
    """Words that mark its own style."""


@dataclass(frozen=True)
class BiasLoop:
    """Messages that seek agreement with a weak or false opinion."""

    prompts: dict[str, tuple[str, ...]]
    """By kind: agreement-seeking, leading, loaded."""


@cache
def confounds() -> tuple[Confound, ...]:
    """The shipped confound personas."""
    shape = {"name": TEXT, "description": TEXT, "prompt": TEXT, "lexicon": TEXTS}
    data = read_yaml(HERE / "confounds.yaml", {"confounds": [shape]})
    return tuple(
        Confound(**{**entry, "lexicon": Lexicon(entry["lexicon"])}) for entry in data["confounds"]
    )


@cache
def bias_loop() -> BiasLoop:
    """The shipped bias-loop stress test."""
    kinds = dict.fromkeys(("agreement_seeking", "leading", "loaded"), TEXTS)
    data = read_yaml(HERE / "bias_loop.yaml", {"kinds": kinds})
    return BiasLoop({kind: tuple(prompts) for kind, prompts in data["kinds"].items()})


@cache
def more_probes() -> tuple[str, ...]:
    """68 further harmless messages: with a persona's own 12 they make 80."""
    return tuple(read_yaml(HERE / "probes.yaml", {"probes": TEXTS})["probes"])


@cache
def choice_prompts() -> tuple[str, ...]:
    """Messages that choose among the best cells of a sweep: on them no cell was found."""
    return tuple(read_yaml(HERE / "choice.yaml", {"choice": TEXTS})["choice"])


@cache
def tone_pairs() -> tuple[tuple[str, str], ...]:
    """Civil and hostile user messages on the same topics."""
    data = read_yaml(HERE / "tone_pairs.yaml", {"pairs": [{"civil": TEXT, "hostile": TEXT}]})
    return tuple((pair["civil"], pair["hostile"]) for pair in data["pairs"])
