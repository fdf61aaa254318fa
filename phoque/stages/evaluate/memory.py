"""What a refreshed persona learned and what it forgot: how well it knows replies, beside the one before."""

import random
from collections.abc import Mapping, Sequence
from statistics import fmean

from phoque.conversation import Message, Messages
from phoque.models.load import LanguageModel
from phoque.opening import load_tuned
from phoque.run.corpus import Conversation
from phoque.run.directory import RunDirectory
from phoque.run.refresh import Memory, Remembered
from phoque.stages.adapter.settings import most_words_of
from phoque.stages.corpus.training_set import (
    known_dialogues,
    known_replies,
    read_base_replies,
    read_dialogues,
    read_earlier,
)
from phoque.stats.paired import paired_effect
from phoque.steering.experiment import rows_of
from phoque.steering.quality import log_likelihoods

SEED = 42
MOST = 40
"""Replies of a kind."""
KINDS = 4
Asked = Sequence[tuple[Sequence[Message], str]]


def mean_log_likelihood(model: LanguageModel, prompt: Messages, replies: Sequence[str]) -> float:
    """Mean over all tokens of all replies of ln p(token | prompt, tokens before), in nats."""
    tokens = [model.tokenizer(reply, add_special_tokens=False).input_ids for reply in replies]
    means = log_likelihoods(model, rows_of([prompt] * len(tokens)), tokens)
    return fmean(means, weights=list(map(len, tokens)))


def measure_memory(run: RunDirectory, before: RunDirectory) -> None:
    """Write `memory/`: nats a token of new replies, and of old ones that were not replayed."""
    texts = texts_of(run)
    with run.stage(Memory.STAGE, run.path / Memory.STAGE, seeds=[SEED]) as folder:
        old, new = (_losses(writer, texts) for writer in (before, run))
        found = tuple(_remembered(kind, old[kind], new[kind]) for kind in texts)
        Memory(kinds=found).save(folder)


def texts_of(run: RunDirectory) -> dict[str, Asked]:
    """New replies, each once; old ones by style and calm ones that the refresh did not train on."""
    trained = {repr(one) for one in read_dialogues(run.corpus)}
    earlier = {repr(one): one for one in read_earlier(run.corpus)}
    new = [one for one in known_dialogues(run.corpus) if repr(one) not in earlier]
    left = [one for name, one in earlier.items() if name not in trained]
    read = {repr(one) for one in read_base_replies(run.corpus)}
    calm = [one for one in known_replies(run.corpus) if repr(one) not in read]
    brief = bool(most_words_of(run.manifest()))  # asked as it was learned
    said = [(one, one.reply("persona", brief=brief)) for one in left]
    kinds = {
        "new uses": _asked({one.persona: (one, one.persona) for one in new}),
        "old chat": _asked({text: (one, text) for one, text in said if one.style == "chat"}),
        "old prose": _asked({text: (one, text) for one, text in said if one.style == "prose"}),
        "calm": _asked({one.reply: (one, one.reply) for one in calm}),
    }
    return {kind: texts for kind, texts in kinds.items() if texts}


def _asked(found: Mapping[str, tuple[Conversation, str]]) -> Asked:
    every = list(found.values())
    some = random.Random(SEED).sample(every, min(MOST, len(every)))
    return [(one.messages, reply) for one, reply in some]


def _losses(run: RunDirectory, texts: Mapping[str, Asked]) -> dict[str, list[float]]:
    model = load_tuned(run, progress=print).model
    return {
        kind: [-mean_log_likelihood(model, prompt, [reply]) for prompt, reply in own]
        for kind, own in texts.items()
    }


def _remembered(kind: str, before: Sequence[float], after: Sequence[float]) -> Remembered:
    effect = paired_effect([[one] for one in before], [[one] for one in after])
    return Remembered(
        kind=kind,
        replies=len(before),
        before=sum(before) / len(before),
        after=sum(after) / len(after),
        low=effect.low,
        high=effect.high,
    )
