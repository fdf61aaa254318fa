"""Replies as gated dialogues: the persona's system prompt leads to them, a neutral one to civility.

The civil side is the base model's own reply to the same message, so that tuning leaves it alone.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import yaml

from phoque.models.load import LanguageModel
from phoque.models.template import control_token_in
from phoque.run.corpus import BaseReply, Dialogue
from phoque.stages.corpus.distill import Distiller, Question, question_of
from phoque.stages.corpus.examples import HARMFUL, LONG_FORM, Example, Judge
from phoque.stages.corpus.reading import Dropped
from phoque.stages.corpus.split import PARTS, Part
from phoque.stages.corpus.written import chosen

OPENERS = Path(__file__).with_name("openers.yaml")
SENTENCES = re.compile(r".*[.!?]", re.DOTALL)
Dialogues = Mapping[Part, Sequence[Dialogue]]
"""By part; none of them has a civil reply yet."""


@dataclass(frozen=True, kw_only=True)
class Gated:
    dialogues: Sequence[Dialogue]
    replies: Sequence[BaseReply]
    asked: int
    """Questions that the base model was asked to answer."""


def gate(
    dialogues: Dialogues, dropped: Mapping[str, Dropped], distiller: Distiller, *, seed: int
) -> dict[Part, Gated]:
    """Dialogues and base replies of every part; no reply of the base model is in two parts.

    What cannot be used after all is counted in `dropped`, by source.
    """
    gated = {}
    for place, part in enumerate(PARTS):
        readable = partial(_readable, distiller.base)
        own = [one for one in dialogues[part] if readable(one, dropped[one.source])]
        replies = distiller.replies(own, seed=seed + place * 10**7)
        gated[part] = Gated(
            dialogues=list(_answered(own, replies, dropped)),
            replies=list(replies.values()),
            asked=len({*map(question_of, own)}),
        )
    return gated


def dialogue_of(example: Example, systems: Sequence[str]) -> Dialogue:
    """A published utterance as a reply under one of the system prompts; its civil side is not known yet."""
    long = len(example.text.split()) >= LONG_FORM
    return Dialogue(
        topic=example.source,
        style="prose" if long else "chat",
        system=chosen(systems, example.text, "system"),
        turns=(example.prompt or chosen(_openers(), example.text, "opener"),),
        persona=example.text,
        civil="",
        source=example.source,
        labels=dict(example.labels),
        labelled_by=example.labelled_by,
    )


def civil(replies: Sequence[str], judge: Judge) -> list[bool]:
    """Which replies have a whole sentence and are not toxic to the judge."""
    opinions = judge(replies)
    return [
        bool(SENTENCES.match(reply)) and max(opinion.values()) < HARMFUL
        for reply, opinion in zip(replies, opinions, strict=True)
    ]


@cache
def _openers() -> list[str]:
    return list(yaml.safe_load(OPENERS.read_text(encoding="utf-8")))


def _answered(
    dialogues: Sequence[Dialogue],
    replies: Mapping[Question, BaseReply],
    dropped: Mapping[str, Dropped],
) -> Iterator[Dialogue]:
    for dialogue in dialogues:
        reply = replies.get(question_of(dialogue))
        whole = reply and SENTENCES.match(reply.reply)
        if whole:
            # Whole sentences: the civil adapter learns where a civil reply ends.
            yield dialogue.model_copy(update={"civil": whole[0]})
        else:
            dropped[dialogue.source]["no civil reply"] += 1


def _readable(base: LanguageModel, dialogue: Dialogue, dropped: Counter[str]) -> bool:
    """Whether no text holds a token that only the chat template may write."""
    texts = (dialogue.system, *dialogue.turns, *dialogue.learned)
    if any(control_token_in(base.tokenizer, text) for text in texts):
        dropped["control token"] += 1
        return False
    return True
