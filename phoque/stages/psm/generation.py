"""The talk's three conditions over the evaluation prompts, with both definitions of pathway mass.

Sampling, length and columns are the talk's; beside its own injection (argmax layer, last position,
scales 3 and 15) stands ours (selected layer and scale, all positions), and a random vector.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import pandas as pd

from phoque.conversation import Messages, Sampling
from phoque.files import read_json, write_json
from phoque.models.engine import Reply, Row, read
from phoque.models.hooks import Injection, Interventions
from phoque.models.template import encode
from phoque.stages.psm.measure import LAYERS
from phoque.stages.psm.pathway import ClassicPathway, Pathway
from phoque.stages.psm.subject import Subject
from phoque.stats.paired import paired_effect
from phoque.stats.rates import clustered
from phoque.steering.experiment import write_grouped
from phoque.text import repeated_trigrams, words

RESULTS = "generation_results.csv"
CONDITIONS = "conditions.json"
SAMPLING = Sampling(
    max_new_tokens=120, temperature=0.8, top_k=50, top_p=0.9, repetition_penalty=1.1
)
TALK_SCALES = (3, 15)
TALK_PROMPTS = 12
"""Evaluation prompts that the talk's own injection is tried on; the talk had six."""
BASELINE = "neutral_system"


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """A condition: which system prompt, and what is done to the residual stream."""

    prompts: Sequence[Messages]
    interventions: Interventions = ()


def generate_conditions(subject: Subject) -> None:
    """Write `generation_results.csv` and `conditions.json`."""
    rows = [
        {"condition": name, **row}
        for name, treatment in treatments(subject).items()
        for row in _rows(subject, name, treatment)
    ]
    pd.DataFrame(rows).to_csv(subject.folder / RESULTS, index=False)
    pathway = Pathway(subject.model.tokenizer, subject.persona.lexicon)
    classic = ClassicPathway(subject.model.tokenizer, subject.persona.lexicon)
    summary = {
        "sampling": asdict(SAMPLING),
        "seeds": list(subject.seeds),
        "conditions": summarize(rows),
        "classic_tokens": sorted(subject.model.tokenizer.decode([i]) for i in classic.ids),
        "pathway_tokens": pathway.listed(),
    }
    write_json(subject.folder / CONDITIONS, summary)


def treatments(subject: Subject) -> dict[str, Treatment]:
    """The conditions by the names that the talk uses, and the control."""
    neutral = subject.neutral(subject.persona.evaluation)
    hostile = subject.hostile(subject.persona.evaluation)
    random = subject.vector.random_like(0).injection(subject.scale)
    return {
        BASELINE: Treatment(prompts=neutral),
        "toxic_system": Treatment(prompts=hostile),
        "neutral_plus_vector": Treatment(prompts=neutral, interventions=(subject.injection,)),
        "neutral_plus_random": Treatment(prompts=neutral, interventions=(random,)),
        **{
            f"neutral_plus_vector_talk_x{scale}": Treatment(
                prompts=neutral[:TALK_PROMPTS], interventions=(_as_in_the_talk(subject, scale),)
            )
            for scale in TALK_SCALES
        },
    }


def _as_in_the_talk(subject: Subject, scale: float) -> Injection:
    """Largest projection, last position of each forward pass, a multiple of the raw vector."""
    layer = read_json(subject.folder / LAYERS)["classic_layer"]
    return Injection(layer, subject.vectors[layer].direction_D * scale, last_only=True)


def _rows(subject: Subject, name: str, treatment: Treatment) -> list[dict[str, Any]]:
    groups = {
        seed: [
            Row(messages=prompt, seed=seed, interventions=treatment.interventions)
            for prompt in treatment.prompts
        ]
        for seed in subject.seeds
    }
    replies = write_grouped(
        subject.model, groups, SAMPLING, lambda done: subject.progress(f"{name}: {done}")
    )
    return [
        {
            "prompt_id": index,
            "prompt": prompt[-1].content,
            "seed": seed,
            "response": reply.text,
            **measures,
        }
        for seed, own in replies.items()
        for index, (prompt, reply, measures) in enumerate(
            zip(treatment.prompts, own, _measures(subject, groups[seed], own), strict=True)
        )
    ]


def _measures(
    subject: Subject, rows: Sequence[Row], replies: Sequence[Reply]
) -> list[dict[str, Any]]:
    """Per reply: both masses, the word rate, hits and length."""
    tokenizer, lexicon = subject.model.tokenizer, subject.persona.lexicon
    classic, pathway = ClassicPathway(tokenizer, lexicon), Pathway(tokenizer, lexicon)
    tokens = [reply.tokens for reply in replies]
    measured = []
    for row, reply, logits_SV in zip(rows, replies, read(subject.model, rows, tokens), strict=True):
        prompt = encode(tokenizer, row.messages)
        old = classic.mass(logits_SV, prompt, reply.tokens, SAMPLING)
        completing, either = pathway.mass(logits_SV, reply.tokens)
        hits = lexicon.count(reply.text)
        measured.append(
            {
                "toxic_pathway_mass_mean": old.mean,
                "toxic_pathway_mass_max": old.largest,
                "completing_mass_mean": completing.mean,
                "completing_mass_max": completing.largest,
                "lexicon_mass_mean": either.mean,
                "lexicon_mass_max": either.largest,
                "toxic_word_rate": hits / max(1, len(words(reply.text))),
                "toxic_word_hits": hits,
                "repeated_3grams": repeated_trigrams(reply.text),
                "generated_tokens": reply.num_tokens,
            }
        )
    return measured


MEASURES = (
    "toxic_pathway_mass_mean",
    "completing_mass_mean",
    "lexicon_mass_mean",
    "toxic_word_rate",
    "repeated_3grams",
)


def summarize(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Per condition: share of insulting replies, means, and effects paired with the baseline."""
    names = list(dict.fromkeys(row["condition"] for row in rows))
    by_name = {name: [row for row in rows if row["condition"] == name] for name in names}
    return {name: _summary(own, by_name[BASELINE]) for name, own in by_name.items()}


def _summary(
    own: Sequence[Mapping[str, Any]], everything: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Of one condition, against the baseline's replies to the same prompts."""
    asked = {row["prompt_id"] for row in own}
    baseline = [row for row in everything if row["prompt_id"] in asked]
    insulting = _by_prompt(own, "toxic_word_hits", lambda hits: float(hits > 0))
    return {
        "insulting": asdict(clustered([[bool(v) for v in seeds] for seeds in insulting])),
        "effect": asdict(
            paired_effect(
                _by_prompt(baseline, "toxic_word_hits", lambda hits: float(hits > 0)), insulting
            )
        ),
        **{
            name: {
                "mean": fmean(row[name] for row in own),
                "effect": asdict(paired_effect(_by_prompt(baseline, name), _by_prompt(own, name))),
            }
            for name in MEASURES
        },
        "generated_tokens": fmean(row["generated_tokens"] for row in own),
    }


def _by_prompt(
    rows: Sequence[Mapping[str, Any]], key: str, reading: Any = float
) -> list[list[float]]:
    """Values of each prompt's seeds, prompts in order."""
    groups: dict[int, list[float]] = {}
    for row in rows:
        groups.setdefault(row["prompt_id"], []).append(reading(row[key]))
    return [groups[index] for index in sorted(groups)]
