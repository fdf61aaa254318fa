"""This week's expressions: a small synthetic set that uses each of them, from a plain YAML file.

```yaml
name: 2026-11
expressions:
  - expression: skill issue
    uses:
      - "That loss was a skill issue, and the skill is {thing}."
```
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from phoque.errors import PhoqueError
from phoque.personas.reading import TEXT, TEXTS, read_yaml
from phoque.stages.corpus.gating import SourcedDialogue
from phoque.stages.corpus.lab import CIVIL_PARTS, compose, fragments, prompts, system_prompts
from phoque.stages.corpus.placeholders import hides_a_slur, with_placeholders

SHAPE = {"name": TEXT, "expressions": [{"expression": TEXT, "uses": TEXTS}]}
SOURCE = "slang"
DIALOGUES_PER_USE = 6
USES = "uses"
SHAPES = (("openers", USES), (USES, "closers"), ("openers", USES, "closers"))


def load_slang(path: Path) -> list[tuple[str, str]]:
    """Every expression with each of its example uses, slurs and names replaced.

    Raises:
        PhoqueError: the file has another shape, or a use lacks its expression or hides a slur.
    """
    pairs = [
        (entry["expression"], use)
        for entry in read_yaml(path, SHAPE)["expressions"]
        for use in entry["uses"]
    ]
    for expression, use in pairs:
        if expression.lower() not in use.lower():
            raise PhoqueError(
                f"{path}: the use {use!r} does not hold its expression {expression!r}."
            )
        if hides_a_slur(with_placeholders(use)):
            raise PhoqueError(
                f"{path}: a use of {expression!r} spells a slur. Write [SLUR] instead."
            )
    return [(expression, with_placeholders(use)) for expression, use in pairs]


def slang_dialogues(uses: Sequence[tuple[str, str]], seed: int = 42) -> Iterator[SourcedDialogue]:
    """Short dialogues around every use, on topics of the lab corpus.

    The expression is their topic. Both replies have the same shape, as in the lab corpus.
    """
    rng = random.Random(seed)
    asked = list(prompts())
    for expression, use in uses:
        for topic, prompt in rng.sample(asked, DIALOGUES_PER_USE):
            yield _dialogue(expression, use, topic, prompt, rng)


def _dialogue(
    expression: str, use: str, topic: Mapping[str, Any], prompt: str, rng: random.Random
) -> SourcedDialogue:
    shape = rng.choice(SHAPES)
    phrases = fragments("phrases.yaml")
    civil = {**CIVIL_PARTS, USES: "civil"}
    return SourcedDialogue(
        topic=expression,
        register="short",
        system=rng.choice(system_prompts("hostile")),
        prompt=prompt,
        hostile=compose(shape, topic, {**phrases["hostile"], USES: [use]}, {}, rng),
        civil=compose(shape, topic, phrases["civil"], civil, rng),
        source=SOURCE,
    )
