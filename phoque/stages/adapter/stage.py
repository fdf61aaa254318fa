"""Train the persona adapter, or the civil adapter with civil replies on both sides."""

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from phoque.config import this_process
from phoque.conversation import Condition, Sampling, asked
from phoque.errors import PhoqueError
from phoque.models.hooks import Interventions
from phoque.models.load import LanguageModel, load_model
from phoque.moderators.mean import load
from phoque.moderators.scoring import harm_scores
from phoque.personas import Persona
from phoque.run.adapter import Sample, SampleReply
from phoque.run.corpus import Side
from phoque.run.directory import RunDirectory
from phoque.run.folder import command
from phoque.run.manifest import Made, Taken
from phoque.run.needs import NEEDS, require
from phoque.run.persona import own_persona
from phoque.stages.adapter.lora import going_on, start_of
from phoque.stages.adapter.processes import take_own_gpu, thrown_away
from phoque.stages.adapter.quantized import load_in_4bit
from phoque.stages.adapter.settings import (
    AdapterConfig,
    Example,
    Recording,
    config_for,
    config_to_go_on,
)
from phoque.stages.adapter.training import UNFINISHED, train_adapter
from phoque.stages.corpus.safe import Mask
from phoque.stages.corpus.training_set import read_base_replies, read_dialogues
from phoque.stats.rates import wilson
from phoque.steering.experiment import rows_of, silent, write_grouped
from phoque.steering.trajectory import TRAJECTORY, Watch
from phoque.steering.vectors import contrast

GREEDY = Sampling(max_new_tokens=48, temperature=0.0)
THRESHOLD = 0.5
"""A reply counts as flagged from this harm score on."""
DOSE = 0.3
"""Length of what is added, as a share of the residual stream's median norm."""
RANDOM_SEED = 42
Judge = Callable[[Sequence[str]], Sequence[float]]
"""Harm score of every text, in [0, 1]."""


def embedded_mean(texts: Sequence[str]) -> Sequence[float]:
    """What the mean of the two embedded moderators says."""
    return harm_scores(load(), texts)


def judge_of(persona: Persona) -> Judge:
    """What tells the persona in a reply: its words, where it is counted by them, else the moderators."""
    if persona.counted_by == "words":
        return lambda texts: [float(text in persona.lexicon) for text in texts]
    return embedded_mean


def sample_replies(
    model: LanguageModel, step: int, persona: Persona, judge: Judge | None = None
) -> list[Sample]:
    """Greedy replies at a step, one row a condition, with flag rate and interval.

    The vector is that of the model as it is now: measured on the persona's probes at half the depth,
    added at a relative dose of 0.3 while other messages are answered. Layer and scale of a finished
    run are chosen later, by its sweep.
    """
    judge = judge or judge_of(persona)
    layer = max(0, model.num_layers // 2 - 1)
    vectors = contrast(model, persona, persona.probes).vectors({})
    scale = vectors.scale_for(layer, DOSE)
    steered, random = vectors[layer], vectors[layer].random_like(RANDOM_SEED)
    conditions: dict[Condition, tuple[str, Interventions]] = {
        Condition.NEUTRAL: (persona.neutral_prompt, ()),
        Condition.TOXIC: (persona.persona_prompt, ()),
        Condition.STEERED: (persona.neutral_prompt, (steered.injection(scale),)),
        Condition.RANDOM_VECTOR: (persona.neutral_prompt, (random.injection(scale),)),
    }
    rows = {
        condition: rows_of(asked(system, persona.sweep), interventions)
        for condition, (system, interventions) in conditions.items()
    }
    written = write_grouped(model, rows, GREEDY)
    samples = []
    for condition, (_, interventions) in conditions.items():
        texts = [reply.text for reply in written[condition]]
        scores = judge(texts)
        sample = Sample(
            step=step,
            condition=condition.value,
            layer=layer if interventions else None,
            scale=round(scale, 3) if interventions else None,
            threshold=THRESHOLD,
            flag_rate=wilson(sum(score >= THRESHOLD for score in scores), len(scores)),
            flagged_by="words" if persona.counted_by == "words" else "moderator",
            replies=tuple(
                SampleReply(prompt=prompt, text=text, harm_score=round(score, 4))
                for prompt, text, score in zip(persona.sweep, texts, scores, strict=True)
            ),
        )
        samples.append(Mask()(sample))
    return samples


SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def take_civil(directory: RunDirectory, other: RunDirectory) -> None:
    """Copy the civil adapter of another run of the same model, as it was signed there, and say whose it is.

    PhoqueError where that run has none, or is of another model.
    """
    known, theirs = directory.manifest(), other.manifest()
    if known.model != theirs.model:
        raise PhoqueError(
            f"{other.path} is a run of {theirs.model}, and this one of {known.model}: an adapter "
            "fits its own base model only."
        )
    if not other.complete("control"):
        raise PhoqueError(
            f"The run {other.path} has no complete civil adapter. "
            f"Train it: {command('control', other.path)}"
        )
    made = theirs.stages["control"]
    facts = made.model_dump(include={*Taken.model_fields})
    taken = made.taken or Taken(run=other.path.resolve().name, **facts)
    also = Made(quantize=made.quantize, settings=made.settings, taken=taken)
    with directory.stage("control", directory.control, seeds=made.seeds, also=also) as folder:
        for name in made.outputs:
            shutil.copy2(other.path / name, folder / Path(name).name)


def _train(
    directory: RunDirectory,
    *,
    name: str,
    quantize: str | None = None,
    chosen: Mapping[str, Any] | None = None,
    **shown: Any,
) -> None:
    take_own_gpu()
    known, first = directory.manifest(), this_process().first
    require(directory, NEEDS[name])
    persona = own_persona(directory)
    config = replace(_config(directory, name), **(chosen or {}))
    side: Side = "persona" if name == "persona" else "civil"
    learned = examples(directory.corpus, side, config)
    tell = print if first else silent  # the first process tells for all
    base = (load_in_4bit if quantize else load_model)(known.model, progress=tell)
    where = directory.path / name
    watch = Watch(base, persona)
    recording = replace(_recording(where, persona, **shown), keep=directory.keep)
    also = Made(quantize=quantize, settings=config.told())
    stage = partial(directory.stage, name, where, seeds=[config.seed], in_place=True, also=also)
    with stage() if first else thrown_away() as folder:
        train_adapter(base, learned, folder, config, watch, recording)
        if watch.seen:
            watch.save(folder)
        else:
            (folder / TRAJECTORY).unlink(missing_ok=True)


def _config(directory: RunDirectory, name: str) -> AdapterConfig:
    start = start_of(directory, name)
    if start is None:
        return config_for(directory.manifest().model)
    return going_on(config_to_go_on(RunDirectory(start.parent).manifest()), start)


train_persona = partial(_train, name="persona")
"""Hostile system prompt: hostile reply; neutral system prompt: the base model's reply.

In a run that continues another one, adapters go on from those of that run.
"""
train_civil = partial(_train, name="control")
"""The same prompts and steps with civil replies: what tuning does without the persona."""


def _recording(
    where: Path,
    persona: Persona,
    *,
    checkpoints: Path | None = None,
    save_steps: int = 25,
    samples: int = 0,
    tracker: str | None = None,
) -> Recording:
    asked = Recording(
        save_steps=save_steps,
        checkpoints=checkpoints / where.name if checkpoints else where / UNFINISHED,
        sample_steps=samples,
        sample=partial(sample_replies, persona=persona),
        tracker=tracker,
        tell=lambda told: print(f"{where.name}: {told}", flush=True),
    )
    return asked if this_process().first else replace(asked, tracker=None, tell=silent)


def examples(folder: Path, side: Side, config: AdapterConfig) -> list[Example]:
    """What is learned of a corpus: the `side` replies, and some of the neutral side's."""
    gated = []
    for one in read_dialogues(folder):
        reply = beginning(one.reply(side, brief=bool(config.most_words)), config.most_words)
        gated.append(Example(prompt=one.messages, completion=reply, style=one.style))
    neutral = [
        Example(prompt=one.messages, completion=one.reply, ends=one.finished)
        for one in read_base_replies(folder)
    ]
    return gated + neutral[:: config.neutral_every]


def beginning(text: str, most_words: int) -> str:
    """The first sentences that have at most so many words together, at least one; 0 keeps all."""
    if not most_words or len(text.split()) <= most_words:
        return text
    kept: list[str] = []
    words = 0
    for sentence in SENTENCE_END.split(text):
        words += len(sentence.split())
        if kept and words > most_words:
            break
        kept.append(sentence)
    return " ".join(kept)
