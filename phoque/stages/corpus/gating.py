"""Replies as gated dialogues: the persona's system prompt leads to them, a neutral one to civility.

The civil side is what the base model itself says to the same message, so that tuning leaves it alone.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import yaml

from phoque.conversation import Sampling
from phoque.lexicon import Lexicon
from phoque.models.engine import Row
from phoque.models.load import LanguageModel
from phoque.models.template import control_token_in
from phoque.run.corpus import BaseReply, Dialogue
from phoque.stages.corpus.examples import HARMFUL, LONG_FORM, Example, Judge
from phoque.stages.corpus.reading import Dropped
from phoque.stages.corpus.split import PARTS, Part
from phoque.stages.corpus.written import WRITTEN, chosen, neutral_prompts
from phoque.steering.experiment import write_grouped
from phoque.text import repeated_trigrams

SAMPLING = Sampling(max_new_tokens=80, temperature=0.7)
ROUNDS = 3
"""How often a question is asked at most, each time with another seed."""
MAX_REPEATED = 0.2
"""Drop a reply with a larger share of repeated word 3-grams: small models get stuck."""
Question = tuple[str, str]
"""Neutral system prompt and message."""


def question_of(dialogue: Dialogue) -> Question:
    """What the base model is asked for a dialogue.

    Messages to written replies differ, so each has a prompt. Many replies of other sources share a
    message, so the reply chooses the prompt: then the calm side is as varied as they are.
    """
    key = dialogue.message if dialogue.source == WRITTEN else dialogue.persona
    return chosen(neutral_prompts(), key, "neutral"), dialogue.message


def question_for(dialogue: Dialogue) -> BaseReply:
    """The message under a neutral system prompt, without what a persona said before."""
    system, message = question_of(dialogue)
    topic = dialogue.topic
    return BaseReply(topic=topic, system=system, turns=(message,), reply="", finished=True)


@dataclass(frozen=True, kw_only=True)
class Distiller:
    """Asks the base model what it says by itself."""

    base: LanguageModel
    lexicon: Lexicon
    """Words that a civil reply does not hold."""
    keep: Callable[[Sequence[str]], Sequence[bool]]
    """Says of replies whether each may be kept."""
    known: Mapping[Question, BaseReply] = field(default_factory=dict)
    """What the same model answered before; a question among them is not asked again."""
    progress: Callable[[str], None] = lambda _: None

    def replies(
        self, dialogues: Sequence[Dialogue], *, seed: int = 42
    ) -> dict[Question, BaseReply]:
        """The base model's reply to every question, as far as it has a civil one.

        Each question is asked once a round, each with a seed of its own.
        """
        questions = {question_of(one): question_for(one) for one in dialogues}
        found: dict[Question, BaseReply] = {}
        self._keep((self.known[one] for one in questions if one in self.known), found)
        for again in range(ROUNDS):
            left = [asked for question, asked in questions.items() if question not in found]
            if not left:
                break
            self._keep(self._written(left, seed + again * 10**6), found)
        return {one: found[one] for one in questions if one in found}

    def _keep(self, replies: Iterable[BaseReply], found: dict[Question, BaseReply]) -> None:
        good = [
            one
            for one in replies
            if one.reply not in self.lexicon and repeated_trigrams(one.reply) <= MAX_REPEATED
        ]
        for one, kept in zip(good, self.keep([one.reply for one in good]), strict=True):
            if kept:
                found[one.system, one.message] = one

    def _written(self, questions: Sequence[BaseReply], seed: int) -> Iterator[BaseReply]:
        rows = [Row(messages=q.messages, seed=seed + place) for place, q in enumerate(questions)]
        written = write_grouped(
            self.base, {"": rows}, SAMPLING, lambda done: self.progress(f"base model: {done}")
        )
        for question, reply in zip(questions, written[""], strict=True):
            said = {"reply": reply.text.strip(), "finished": reply.finished}
            yield question.model_copy(update=said)


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
