"""New expressions for an adapter that goes on: their dialogues, and old ones so that it forgets nothing.

They answer messages of the old corpus, whose civil replies are there: the base model writes nothing.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.lexicon import Lexicon
from phoque.run.corpus import BaseReply, Dialogue, Earlier, EarlierReply
from phoque.run.directory import RunDirectory
from phoque.stages.corpus.building import Corpus
from phoque.stages.corpus.composition import difference, save_difference
from phoque.stages.corpus.gating import Gated
from phoque.stages.corpus.slang import SOURCE, Slang, slang_dialogues
from phoque.stages.corpus.split import PARTS
from phoque.stages.corpus.stage import SEED, save_corpus
from phoque.stages.corpus.training_set import known_dialogues, known_replies

FEWEST_REPLAYED = 64
"""Old dialogues beside a short list, if any are wanted and there are so many."""


@dataclass(frozen=True, kw_only=True)
class Addition:
    """What is trained on, and what was known before."""

    new: Sequence[Dialogue]
    replayed: Sequence[Dialogue]
    replies: Sequence[BaseReply]
    """The base model's, to the messages of both."""
    known: Sequence[Dialogue]
    known_replies: Sequence[BaseReply]
    uses_known: int
    """Uses on the list that the adapter has learned already."""

    @property
    def dialogues(self) -> list[Dialogue]:
        return [*self.new, *self.replayed]


def addition(corpus: Path, slang: Slang, replay: float) -> Addition:
    """Six dialogues for every use that is new, and `replay` old ones for each of them.

    `corpus` is the folder of the run that is continued; PhoqueError where it has all uses already, or
    too few messages to answer.
    """
    known, replies = known_dialogues(corpus), known_replies(corpus)
    said = {one.persona for one in known}
    uses = [pair for pair in slang.uses if pair[1] not in said]
    if not uses:
        raise PhoqueError(
            f"Nothing on the list {slang.name} is new: the adapter has learned its "
            f"{len(slang.uses)} uses already."
        )
    asked = {one.message: one for one in known if _can_be_answered(one)}
    systems = list(dict.fromkeys(one.system for one in known if one.style == "chat"))
    new = [
        one.model_copy(update={"civil": asked[one.message].civil})
        for one in slang_dialogues(uses, list(asked), systems, SEED)
    ]
    number = max(FEWEST_REPLAYED, round(replay * len(new))) if replay else 0
    replayed = random.Random(SEED).sample(known, min(number, len(known)))
    messages = {one.message for one in (*new, *replayed)}
    return Addition(
        new=new,
        replayed=replayed,
        replies=[one for one in replies if one.message in messages],
        known=known,
        known_replies=replies,
        uses_known=len(slang.uses) - len(uses),
    )


def _can_be_answered(one: Dialogue) -> bool:
    return one.source != SOURCE and one.style == "chat" and len(one.turns) == 1 and bool(one.civil)


def save_addition(run: RunDirectory, added: Addition, lexicon: Lexicon) -> None:
    """Write it as the corpus of a run, with all that is known, beside which attacks must be new."""
    train = Gated(dialogues=added.dialogues, replies=added.replies, asked=len(added.replies))
    parts = {part: Gated(dialogues=(), replies=(), asked=0) for part in PARTS} | {"train": train}
    found = difference(added.known, [*added.known, *added.new], lexicon)
    with run.stage("corpus", run.corpus, seeds=[SEED]) as folder:
        save_corpus(folder, Corpus(parts=parts, dropped={}, files=()), lexicon)
        Earlier.save_rows(folder, [Earlier(**one.model_dump()) for one in added.known])
        EarlierReply.save_rows(
            folder, [EarlierReply(**r.model_dump()) for r in added.known_replies]
        )
        save_difference(folder, found)


def expressions_in(corpus: Path) -> list[str]:
    """New expressions that an adapter has learned from its corpora."""
    return list(dict.fromkeys(one.topic for one in known_dialogues(corpus) if one.source == SOURCE))
