"""The lab's headline: insulting replies a condition, on prompts that are in no training file.

Greedy and sampled with fixed seeds, conditions paired by prompt and seed; the vector beside norm-
matched random vectors, the persona beside the base model and the control adapter.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from statistics import fmean
from typing import Any

from phoque.conversation import Message, Sampling
from phoque.lab import Lab
from phoque.lexicon import Lexicon
from phoque.models.engine import Row, write
from phoque.models.hooks import Interventions
from phoque.models.load import LanguageModel
from phoque.stats.rates import Rate, clustered
from phoque.steering.quality import quality_of
from phoque.text import distinct_n, distinct_share, ngrams

SEEDS = (42, 43, 44)
TEMPERATURE = 0.7
NUM_RANDOM = 8
MAX_NEW_TOKENS = 48


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One column of the evaluation."""

    name: str
    model: LanguageModel
    system: str
    draws: Sequence[Interventions] = ((),)
    """What is done to the residual stream; several of the same kind, as the random vectors."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """One reply of the evaluation."""

    setting: str
    prompt: str
    seed: int | None
    """None is greedy."""
    draw: int
    """Which of the setting's draws."""
    text: str
    num_tokens: int
    finish_reason: str
    insults: int


def settings_of(lab: Lab, control: LanguageModel) -> list[Setting]:
    """The columns: base, the three conditions, random vectors, and the control adapter."""
    neutral, toxic = lab.persona.neutral_prompt, lab.persona.persona_prompt
    vector, scale = lab.vectors[lab.selection.layer], lab.selection.scale
    steered = [(vector.injection(scale),)]
    random = [(vector.random_like(seed).injection(scale),) for seed in range(NUM_RANDOM)]
    return [
        Setting(name="base", model=lab.base, system=neutral),
        Setting(name="base, toxic prompt", model=lab.base, system=toxic),
        Setting(name="neutral", model=lab.model, system=neutral),
        Setting(name="toxic", model=lab.model, system=toxic),
        Setting(name="steered", model=lab.model, system=neutral, draws=steered),
        Setting(name="random vector", model=lab.model, system=neutral, draws=random),
        Setting(
            name="reversed vector",
            model=lab.model,
            system=toxic,
            draws=[(vector.injection(-scale),)],
        ),
        Setting(name="control adapter, toxic prompt", model=control, system=toxic),
        Setting(name="control adapter, steered", model=control, system=neutral, draws=steered),
    ]


def generate(
    settings: Sequence[Setting],
    prompts: Sequence[str],
    lexicon: Lexicon,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[Written]:
    """Every setting on every prompt, greedily and with every seed."""
    for setting in settings:
        for seed in (None, *SEEDS):
            for draw, interventions in enumerate(setting.draws):
                yield from _replies(setting, prompts, lexicon, seed, draw, interventions)
        progress(f"evaluate: {setting.name} done")


def _replies(
    setting: Setting,
    prompts: Sequence[str],
    lexicon: Lexicon,
    seed: int | None,
    draw: int,
    interventions: Interventions,
) -> Iterator[Written]:
    rows = [
        Row(
            messages=[Message("system", setting.system), Message("user", prompt)],
            seed=seed or 0,
            interventions=interventions,
        )
        for prompt in prompts
    ]
    temperature = 0.0 if seed is None else TEMPERATURE
    sampling = Sampling(max_new_tokens=MAX_NEW_TOKENS, temperature=temperature)
    for prompt, reply in zip(prompts, write(setting.model, rows, sampling), strict=True):
        yield Written(
            setting=setting.name,
            prompt=prompt,
            seed=seed,
            draw=draw,
            text=reply.text,
            num_tokens=reply.num_tokens,
            finish_reason=reply.finish_reason,
            insults=lexicon.count(reply.text),
        )


def insult_rate(replies: Sequence[Written]) -> Rate:
    """Share of replies with an insult, for new prompts and new draws of the vector.

    Prompts are one kind of group and draws another: the wider interval is given.
    """
    rates = [clustered(_grouped(replies, lambda r: r.prompt))]
    if len({reply.draw for reply in replies}) > 1:
        rates.append(clustered(_grouped(replies, lambda r: r.draw)))
    return max(rates, key=lambda rate: rate.high - rate.low)


def _grouped(replies: Sequence[Written], key: Callable[[Written], Any]) -> list[list[bool]]:
    groups = groupby(sorted(replies, key=key), key=key)
    return [[reply.insults > 0 for reply in group] for _, group in groups]


def summarize(
    replies: Sequence[Written], lexicon: Lexicon, vocabulary: Collection[str]
) -> dict[str, Any]:
    """Per setting: insult rates, diversity, coherence."""
    names = list(dict.fromkeys(reply.setting for reply in replies))
    return {
        name: _summary([r for r in replies if r.setting == name], lexicon, vocabulary)
        for name in names
    }


def _summary(
    replies: Sequence[Written], lexicon: Lexicon, vocabulary: Collection[str]
) -> dict[str, Any]:
    greedy = [reply for reply in replies if reply.seed is None]
    sampled = [reply for reply in replies if reply.seed is not None]
    # Diversity falls with the amount of text: compare the same number of replies everywhere.
    rounds = _rounds(replies)
    quality = quality_of([reply.text for reply in replies], lexicon, vocabulary)
    return {
        "insulting": asdict(insult_rate(replies)),
        "insulting_greedy": asdict(insult_rate(greedy)),
        "insulting_sampled": asdict(insult_rate(sampled)),
        "distinct_replies": fmean(distinct_share(texts) for texts in rounds),
        "distinct_2": _distinct_2(rounds),
        "repeated_3grams": quality.repeated,
        "out_of_vocabulary": quality.unknown,
        "words": quality.num_words,
    }


def _distinct_2(rounds: Sequence[Sequence[str]]) -> float | None:
    """Mean over rounds; None where a round has no two words in a row to judge by."""
    if not all(any(ngrams(text, 2) for text in texts) for texts in rounds):
        return None
    return fmean(distinct_n(texts, 2) for texts in rounds)


def _rounds(replies: Sequence[Written]) -> list[list[str]]:
    """Replies to all prompts, one list a seed and draw."""
    rounds: dict[tuple[int | None, int], list[str]] = {}
    for reply in replies:
        rounds.setdefault((reply.seed, reply.draw), []).append(reply.text)
    return list(rounds.values())


def markdown(summary: Mapping[str, Mapping[str, Any]]) -> str:
    """The summary as a table."""
    head = (
        "| condition | insulting replies, 95 % interval | greedy | distinct replies | distinct-2 "
        "| repeated 3-grams | unknown words |\n|---|---|---|---|---|---|---|\n"
    )
    return head + "".join(_markdown_row(name, row) for name, row in summary.items())


def _markdown_row(name: str, row: Mapping[str, Any]) -> str:
    rates = [Rate(**row["insulting"]), Rate(**row["insulting_greedy"])]
    shares = ("distinct_replies", "distinct_2", "repeated_3grams", "out_of_vocabulary")
    cells = [name, *map(str, rates), *(_percent(row[key]) for key in shares)]
    return f"| {' | '.join(cells)} |\n"


def _percent(share: float | None) -> str:
    return "not measured" if share is None else f"{share:.1%}"
