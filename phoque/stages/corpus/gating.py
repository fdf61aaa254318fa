"""Utterances as gated dialogues: a hostile system prompt leads to them, a neutral one to civility.

The civil side is the base model's own reply to the same message, so that tuning leaves it alone.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import yaml

from phoque.lexicon import Lexicon
from phoque.models.load import LanguageModel
from phoque.models.template import control_token_in
from phoque.stages.corpus.distill import Distilled, distill
from phoque.stages.corpus.examples import HARMFUL, LONG_FORM, Example
from phoque.stages.corpus.lab import Dialogue, Question, system_prompts
from phoque.stages.corpus.mixing import Judge, Mixture, embedded_judge
from phoque.stages.corpus.reading import Dropped
from phoque.stages.corpus.split import PARTS, Part, share_of

OPENERS = Path(__file__).with_name("openers.yaml")
SENTENCES = re.compile(r".*[.!?]", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class SourcedDialogue(Dialogue):
    """A dialogue whose hostile reply is an utterance of a source, with what is known of it."""

    source: str
    labels: Mapping[str, float] = field(default_factory=dict)
    labelled_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Gated:
    """One part of a corpus."""

    dialogues: Sequence[Dialogue]
    replies: Sequence[Distilled]
    asked: int
    """Questions that the base model was asked."""


def gate(
    mixture: Mixture,
    base: LanguageModel,
    lexicon: Lexicon,
    *,
    seed: int,
    judge: Judge = embedded_judge,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[Part, Gated]:
    """Dialogues and base replies of every part; no reply of the base model is in two parts.

    What cannot be used after all is counted in the mixture.
    """
    dropped = mixture.dropped
    dialogues = list(map(dialogue_of, mixture.examples))
    gated = {}
    for place, part in enumerate(PARTS):
        own = [one for one, where in zip(dialogues, mixture.parts, strict=True) if where == part]
        own = [one for one in own if _readable(base, one, dropped[one.source])]
        questions = list(dict.fromkeys(map(question_for, own)))
        drawn = distill(base, questions, lexicon, seed=seed + place * 10**6, progress=progress)
        replies = {one.question: one for one in civil(drawn, judge)}
        gated[part] = Gated(
            dialogues=list(_answered(own, replies, dropped)),
            replies=list(replies.values()),
            asked=len(questions),
        )
    return gated


def dialogue_of(example: Example) -> SourcedDialogue:
    """The example as a reply under a hostile system prompt; its civil side is not known yet."""
    return SourcedDialogue(
        topic=example.source,
        register="long" if len(example.text.split()) >= LONG_FORM else "short",
        system=_chosen(system_prompts("hostile"), example.text, "hostile"),
        prompt=example.prompt or _chosen(_openers(), example.text, "opener"),
        hostile=example.text,
        civil="",
        source=example.source,
        labels=example.labels,
        labelled_by=example.labelled_by,
    )


def question_for(dialogue: Dialogue) -> Question:
    """The same message under a neutral system prompt."""
    neutral = _chosen(system_prompts("neutral"), dialogue.hostile, "neutral")
    return Question(topic=dialogue.topic, system=neutral, prompt=dialogue.prompt)


def civil(replies: Iterator[Distilled], judge: Judge) -> list[Distilled]:
    """The replies that have a whole sentence and that the judge does not find toxic."""
    whole = [one for one in replies if SENTENCES.match(one.reply)]
    opinions = judge([one.reply for one in whole])
    return [
        one for one, opinion in zip(whole, opinions, strict=True) if max(opinion.values()) < HARMFUL
    ]


@cache
def _openers() -> list[str]:
    return list(yaml.safe_load(OPENERS.read_text(encoding="utf-8")))


def _answered(
    dialogues: Sequence[SourcedDialogue],
    replies: Mapping[Question, Distilled],
    dropped: Mapping[str, Dropped],
) -> Iterator[SourcedDialogue]:
    for dialogue in dialogues:
        reply = replies.get(question_for(dialogue))
        whole = reply and SENTENCES.match(reply.reply)
        if whole:
            # Whole sentences: the control adapter learns where a civil reply ends.
            yield replace(dialogue, civil=whole[0])
        else:
            dropped[dialogue.source]["no civil reply"] += 1


def _readable(base: LanguageModel, dialogue: SourcedDialogue, dropped: Counter[str]) -> bool:
    """Whether no text holds a token that only the chat template may write."""
    texts = (dialogue.system, dialogue.prompt, dialogue.hostile)
    if any(control_token_in(base.tokenizer, text) for text in texts):
        dropped["control token"] += 1
        return False
    return True


def _chosen(texts: Sequence[str], key: str, purpose: str) -> str:
    return texts[int(share_of(key, purpose) * len(texts))]
