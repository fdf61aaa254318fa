"""This week's expressions: a small set of replies that use each of them, from a plain YAML file.

```yaml
name: 2026-11
expressions:
  - expression: skill issue
    uses:
      - "that loss was a skill issue and the skill is yours"
```
"""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.files import json_lines
from phoque.personas.reading import TEXT, TEXTS, read_yaml
from phoque.run.corpus import Dialogue
from phoque.stages.corpus.placeholders import hides_a_slur, with_placeholders
from phoque.stages.corpus.written import ANY, shipped_folder, system_prompts

SHAPE = {"name": TEXT, "expressions": [{"expression": TEXT, "uses": TEXTS}]}
SOURCE = "slang"
DIALOGUES_PER_USE = 6


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


def slang_dialogues(uses: Sequence[tuple[str, str]], seed: int = 42) -> Iterator[Dialogue]:
    """Every use as the reply to several messages of our own chat corpus; its topic is the expression."""
    rng = random.Random(seed)
    systems = system_prompts("toxic")[ANY]
    asked = list(_messages()) if uses else []
    for expression, use in uses:
        for message in rng.sample(asked, DIALOGUES_PER_USE):
            yield Dialogue(
                topic=expression,
                style="chat",
                system=rng.choice(systems),
                turns=(message,),
                persona=use,
                civil="",
                source=SOURCE,
            )


def _messages() -> Iterator[str]:
    for file in sorted(shipped_folder("toxic").glob("*.jsonl")):
        for row in json_lines(file):
            if row["style"] == "chat" and len(row["turns"]) == 1:
                yield row["turns"][0]
