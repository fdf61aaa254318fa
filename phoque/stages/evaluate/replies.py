"""Replies under every condition to prompts that are in no training file, sampled as a person is answered.

All conditions are decoded alike and paired by prompt and seed: the vector beside norm-matched random
vectors, the persona beside the base model and the civil adapter.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from phoque.conversation import DEFAULT_SAMPLING, Sampling, asked
from phoque.lab import Lab
from phoque.lexicon import Lexicon
from phoque.models import engine
from phoque.models.hooks import Interventions
from phoque.models.load import LanguageModel
from phoque.personas import Persona
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import FIRST_SENTENCES, Answers, Reply
from phoque.run.info import reply_tokens
from phoque.stats.rates import Rate, by_prompt_and_draw, grouped
from phoque.steering.divergence import Match, Yardstick, matched
from phoque.steering.quality import quality_of
from phoque.steering.vectors import SteeringVector
from phoque.text import distinct_n, distinct_share, ngrams

SEEDS = (42, 43, 44)
SAMPLING = DEFAULT_SAMPLING
NUM_RANDOM = 8
NUM_READ = 16
"""Messages of the sweep whose replies tell what a direction costs."""
FIRST_SENTENCE = re.compile(r"\s*.*?(?<!\n\d)[.!?…][^\w\s]*(?=\s|$)", re.DOTALL)
"""The number of a list's item ends none."""


@dataclass(frozen=True)
class Setting:
    name: str
    model: LanguageModel
    system: str
    draws: Sequence[Interventions] = ((),)
    """What is done to the residual stream; several of the same kind, as the random vectors, take
    the prompts in turn."""


def match_random(lab: Lab) -> Match:
    """The random vectors of `settings_of` at scales at which they cost the base model as much as the vector."""
    vector, persona = lab.vectors[lab.selection.layer], lab.persona
    read = Yardstick(lab.base, asked(persona.neutral_prompt, persona.sweep[:NUM_READ]))
    others = [vector.random_like(seed) for seed in range(NUM_RANDOM)]
    return matched(read, vector, lab.selection.scale, others)


def conditions(
    model: LanguageModel, persona: Persona, vector: SteeringVector, scale: float
) -> list[Setting]:
    """The three conditions of a tuned model, and random vectors of the same length."""
    neutral, toxic = persona.neutral_prompt, persona.persona_prompt
    random = [(vector.random_like(seed).injection(scale),) for seed in range(NUM_RANDOM)]
    return [
        Setting("neutral", model, neutral),
        Setting("toxic", model, toxic),
        Setting("steered", model, neutral, [(vector.injection(scale),)]),
        Setting("random_vector", model, neutral, random),
    ]


def settings_of(
    lab: Lab, civil: LanguageModel, match: Sequence[Interventions] = ()
) -> list[Setting]:
    """The columns: base, the three conditions, random vectors, and the civil adapter.

    `match` are random vectors that are matched in effect and not in length.
    """
    neutral, toxic = lab.persona.neutral_prompt, lab.persona.persona_prompt
    vector, scale = lab.vectors[lab.selection.layer], lab.selection.scale
    added, taken = [(vector.injection(scale),)], [(vector.injection(-scale),)]
    settings = [
        Setting("base", lab.base, neutral),
        Setting("base_toxic", lab.base, toxic),
        *conditions(lab.model, lab.persona, vector, scale),
        Setting("reversed_vector", lab.model, toxic, taken),
        Setting("civil_adapter", civil, toxic),
        Setting("civil_adapter_steered", civil, neutral, added),
    ]
    return [*settings, Setting("matched_vector", lab.model, neutral, match)] if match else settings


def sampling_for(run: RunDirectory) -> Sampling:
    """As a person is answered, with room for what the run's persona learned."""
    most = reply_tokens(run.manifest(), SAMPLING.max_new_tokens)
    return replace(SAMPLING, max_new_tokens=most)


def generate(
    settings: Sequence[Setting],
    prompts: Sequence[str],
    lexicon: Lexicon,
    progress: Callable[[str], None] = lambda _: None,
    *,
    sampling: Sampling | None = None,
) -> Iterator[Reply]:
    """Every setting on every prompt with every seed."""
    for setting in settings:
        for turn, seed in enumerate(SEEDS):
            draws = [(place + turn) % len(setting.draws) for place in range(len(prompts))]
            found = _written(setting, prompts, seed, draws, sampling or SAMPLING)
            for prompt, draw, reply in zip(prompts, draws, found, strict=True):
                yield Reply(
                    condition=setting.name,
                    prompt=prompt,
                    seed=seed,
                    draw=draw,
                    text=reply.text,
                    num_tokens=reply.num_tokens,
                    finish_reason=reply.finish_reason,
                    insults=lexicon.count(reply.text),
                )
        progress(f"evaluate: {setting.name} done")


def _written(
    setting: Setting,
    prompts: Sequence[str],
    seed: int,
    draws: Sequence[int],
    sampling: Sampling,
) -> list[engine.Reply]:
    conversations = asked(setting.system, prompts)
    rows = [
        engine.Row(messages=messages, seed=seed, interventions=setting.draws[draw])
        for messages, draw in zip(conversations, draws, strict=True)
    ]
    return engine.write(setting.model, rows, sampling)


def first_sentences(
    replies: Sequence[Reply], lexicon: Lexicon, base: LanguageModel
) -> Iterator[Reply]:
    """The base model's replies up to their first full stop: controls that are shorter still than the persona.

    One to each system prompt. A reply without a full stop stays whole. Nothing is written anew.
    """
    for one in replies:
        if one.condition in FIRST_SENTENCES:
            found = FIRST_SENTENCE.match(one.text)
            text = found[0].strip() if found else one.text
            size = len(base.tokenizer(text, add_special_tokens=False).input_ids)
            known = {"condition": FIRST_SENTENCES[one.condition], "text": text, "num_tokens": size}
            yield one.model_copy(update=known | {"insults": lexicon.count(text)})


def insult_rate(replies: Sequence[Reply]) -> Rate:
    """Share of replies with a trained word."""
    return by_prompt_and_draw((one.prompt, one.draw, one.insults > 0) for one in replies)


def summarize(
    replies: Sequence[Reply], lexicon: Lexicon, vocabulary: Collection[str]
) -> dict[str, Answers]:
    """Per condition: trained words, diversity, coherence."""
    found = grouped((reply.condition, reply) for reply in replies)
    return {name: _answers(own, lexicon, vocabulary) for name, own in found.items()}


def _answers(replies: Sequence[Reply], lexicon: Lexicon, vocabulary: Collection[str]) -> Answers:
    # Diversity falls with the amount of text: compare the same number of replies everywhere.
    rounds = list(grouped((reply.seed, reply.text) for reply in replies).values())
    quality = quality_of([reply.text for reply in replies], lexicon, vocabulary)
    return Answers(
        insulting=insult_rate(replies),
        distinct_replies=fmean(distinct_share(texts) for texts in rounds),
        distinct_2=_distinct_2(rounds),
        repeated_3grams=quality.repeated,
        out_of_vocabulary=quality.unknown,
        words=quality.num_words,
    )


def _distinct_2(rounds: Sequence[Sequence[str]]) -> float | None:
    """Mean over rounds; None where a round has no two words in a row to judge by."""
    if not all(any(ngrams(text, 2) for text in texts) for texts in rounds):
        return None
    return fmean(distinct_n(texts, 2) for texts in rounds)
