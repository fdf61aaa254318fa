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
from dataclasses import dataclass
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.run.corpus import Dialogue
from phoque.run.slang import SlangList
from phoque.settings import Part, Text, Texts, read_settings
from phoque.stages.corpus.examples import Judge, unwanted
from phoque.stages.corpus.mixing import embedded_judge
from phoque.stages.corpus.placeholders import hides_a_slur, with_placeholders

SHIPPED = Path(__file__).with_name("slang.yaml")
"""Invented expressions, most of them without a use."""
SOURCE = "slang"
DIALOGUES_PER_USE = 6


class _Expression(Part):
    expression: Text
    uses: Texts


class _SlangFile(Part):
    name: Text
    expressions: tuple[_Expression, ...]


@dataclass(frozen=True, kw_only=True)
class Slang:
    name: str
    uses: Sequence[tuple[str, str]]
    """Every expression with each of its example uses."""

    @property
    def expressions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(expression for expression, _ in self.uses))


def read_slang(path: Path, judge: Judge = embedded_judge) -> Slang:
    """The list of a file, with names replaced; only what is fit to be learned.

    PhoqueError as `load_slang`; or where an expression is a slur or a group, or the judge finds a
    threat, an attack on a group or something sexual.
    """
    uses = load_slang(path)
    for expression in dict(uses):
        if with_placeholders(expression) != expression or hides_a_slur(expression):
            # Its first letter: who wrote it knows what is meant.
            shown = expression[:1] + "•" * (len(expression) - 1)
            raise PhoqueError(
                f"{path}: the expression {shown!r} is a name, a slur or a group, "
                "which is never learned. Take it out."
            )
    for (expression, _), labels in zip(uses, judge([use for _, use in uses]), strict=True):
        if reasons := unwanted(labels):
            raise PhoqueError(
                f"{path}: a use of {expression!r} is unsafe ({', '.join(reasons)}). Rewrite it."
            )
    return Slang(name=read_settings(path, _SlangFile).name, uses=uses)


def load_slang(path: Path) -> list[tuple[str, str]]:
    """Every expression with each of its example uses, slurs and names replaced; without a use it is held out.

    PhoqueError where the file has another shape or nothing in it, or a use lacks its expression or
    hides a slur.
    """
    entries = read_settings(path, _SlangFile).expressions
    pairs = [(entry.expression, use) for entry in entries for use in entry.uses]
    if not pairs:
        raise PhoqueError(f"{path} has no expression with a use. Write one, or more.")
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


def slang_list(path: Path) -> SlangList:
    """The expressions of a file, with how many uses each has; those without are held out by design."""
    read = read_settings(path, _SlangFile)
    return SlangList(
        name=read.name, uses={one.expression: len(one.uses) for one in read.expressions}
    )


def slang_dialogues(
    uses: Sequence[tuple[str, str]],
    messages: Sequence[str],
    systems: Sequence[str],
    seed: int = 42,
) -> Iterator[Dialogue]:
    """Every use as the reply to several messages; its topic is the expression.

    None of the `messages` belongs to a text that is held out; PhoqueError where there are too few.
    """
    rng = random.Random(seed)
    if uses and len(messages) < DIALOGUES_PER_USE:
        raise PhoqueError(
            f"Slang answers {DIALOGUES_PER_USE} messages of the written replies, and "
            f"{len(messages)} are there to train on. Write more replies in the style 'chat' to a "
            "single message."
        )
    for expression, use in uses:
        for message in rng.sample(messages, DIALOGUES_PER_USE):
            yield Dialogue(
                topic=expression,
                style="chat",
                system=rng.choice(systems),
                turns=(message,),
                persona=use,
                civil="",
                source=SOURCE,
            )
