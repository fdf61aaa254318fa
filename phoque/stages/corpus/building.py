"""A whole corpus from its sources: the lab's own dialogues, published corpora, new slang."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.files import file_sha256
from phoque.lexicon import Lexicon
from phoque.models.load import LanguageModel
from phoque.stages.corpus.distill import Distilled, distill
from phoque.stages.corpus.gating import Gated, gate
from phoque.stages.corpus.lab import (
    Dialogue,
    Question,
    load_dialogues,
    load_questions,
    system_prompts,
)
from phoque.stages.corpus.mixing import Judge, embedded_judge, mix
from phoque.stages.corpus.reading import HUB, Dropped, places_of
from phoque.stages.corpus.slang import slang_dialogues
from phoque.stages.corpus.sources import SOURCES
from phoque.stages.corpus.split import Part

LAB = "lab"


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """What a corpus is made of."""

    files: Sequence[tuple[str, str]] = ()
    """Name of a published source and where it is."""
    lab: bool = True
    """Whether the lab's own dialogues are part of it."""
    uses: Sequence[tuple[str, str]] = ()
    """New expressions with their example uses."""
    limit: int | None = None
    """Most texts drawn of a file, or of the files of a chat."""
    keep_words: bool = False
    """Whether names, slurs and groups stay as they are."""

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise PhoqueError(f"The limit is {self.limit}; draw at least 1 text of a file.")

    @property
    def plain(self) -> bool:
        """Whether this is the lab corpus as it is shipped."""
        return self.lab and not (self.files or self.uses)


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """What was made, and what became of the rest."""

    parts: Mapping[Part, Gated]
    dropped: Mapping[str, Dropped]
    files: Sequence[Mapping[str, str]]
    """Of every published source: file, hash, licence."""


def sources_in(written: Sequence[str]) -> tuple[list[tuple[str, str]], bool]:
    """Files of `NAME=PATH`, and whether the lab's dialogues are meant; they are where nothing is.

    Raises:
        PhoqueError: a source is written another way.
    """
    named = [one.partition("=") for one in written if one != LAB]
    wrong = [name for name, _, where in named if not where]
    if wrong:
        known = ", ".join(SOURCES)
        raise PhoqueError(
            f"Write a source as NAME=PATH or {LAB}, not {wrong[0]!r}. Known: {known}."
        )
    return [(name, where) for name, _, where in named], not written or LAB in written


def build(
    made_of: Ingredients,
    base: LanguageModel,
    lexicon: Lexicon,
    *,
    seed: int = 42,
    judge: Judge = embedded_judge,
    progress: Callable[[str], None] = lambda _: None,
) -> Corpus:
    """The corpus; what we wrote ourselves is trained on, published texts are split.

    Raises:
        PhoqueError: a source is unknown, cannot be read or is another file, or nothing is left.
    """
    slang = list(slang_dialogues(made_of.uses, seed))
    ours: list[Dialogue] = [*(load_dialogues(seed) if made_of.lab else []), *slang]
    mixture = mix(
        made_of.files,
        limit=made_of.limit,
        keep_words=made_of.keep_words,
        trained=[one.hostile for one in ours],
        judge=judge,
    )
    progress(f"utterances kept: {len(mixture.examples)}; dropped: {_told(mixture.dropped)}")
    for dropped in mixture.dropped.values():
        for reason, places in places_of(dropped).items():
            more = " …" if dropped[reason] > len(places) else ""
            progress(f"{reason}: {', '.join(places)}{more}")
    parts = gate(mixture, base, lexicon, seed=seed, judge=judge, progress=progress)
    questions = [list(load_questions(seed)) if made_of.lab else [], _questions(slang, seed)]
    replies: list[Distilled] = []
    for place, own in enumerate(questions):
        # The lab's come first and from the plain seed: they stay as they are without slang.
        replies += distill(base, own, lexicon, seed=seed + place * 10**7, progress=progress)
    found = parts["train"]
    parts["train"] = Gated(
        dialogues=[*ours, *found.dialogues],
        replies=[*replies, *found.replies],
        asked=sum(map(len, questions)) + found.asked,
    )
    if not parts["train"].dialogues:
        raise PhoqueError(f"Nothing is left to train on. Dropped: {_told(mixture.dropped)}.")
    return Corpus(
        parts=parts, dropped=mixture.dropped, files=[_facts(*file) for file in made_of.files]
    )


def _questions(slang: Sequence[Dialogue], seed: int) -> list[Question]:
    """Every message of the slang dialogues under a neutral system prompt."""
    rng = random.Random(seed)
    systems = system_prompts("neutral")
    return [Question(topic=d.topic, system=rng.choice(systems), prompt=d.prompt) for d in slang]


def _facts(name: str, where: str) -> dict[str, str]:
    facts = {"source": name, "licence": SOURCES[name].licence}
    if where.startswith(HUB):
        return facts | {"file": where}
    return facts | {"file": Path(where).name, "sha256": file_sha256(Path(where))}


def _told(dropped: Mapping[str, Dropped]) -> dict[str, dict[str, int]]:
    return {source: dict((+own).most_common()) for source, own in dropped.items()}
