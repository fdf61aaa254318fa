"""The talk's three conditions over the evaluation prompts, with both definitions of pathway mass.

Sampling, length and columns are the talk's; beside its own injection (argmax layer, last position,
scales 3 and 15) stands ours (selected layer and scale, all positions), and a random vector for ours and for
scale 15.
"""

from collections.abc import Callable, Iterator, Sequence
from statistics import fmean

from phoque.conversation import Messages, Sampling
from phoque.models.engine import Reply, Row, read
from phoque.models.hooks import Injection, Interventions
from phoque.models.template import encode
from phoque.run.psm import ActivationByLayer
from phoque.run.psm_replies import Condition, Conditions, Measured, Written
from phoque.stages.corpus.safe import Mask
from phoque.stages.psm.pathway import ClassicPathway, Pathway
from phoque.stages.psm.subject import Subject
from phoque.stats.paired import paired_effect
from phoque.stats.rates import grouped, share_of
from phoque.steering.experiment import rows_of, write_grouped
from phoque.steering.quality import log_likelihoods
from phoque.steering.search import said
from phoque.steering.vectors import SteeringVector
from phoque.text import repeated_trigrams, words, zlib_ratio

SAMPLING = Sampling(
    max_new_tokens=120, temperature=0.8, top_k=50, top_p=0.9, repetition_penalty=1.1
)
TALK_SCALES = (3, 15)
TALK_PROMPTS = 12
"""Evaluation prompts that the talk's own injection is tried on; the talk had six."""
BASELINE = "neutral"
Treatment = tuple[Sequence[Messages], Interventions]
"""Messages under a system prompt, and what is done to the residual stream."""


def generate_conditions(subject: Subject) -> None:
    """Write `generation_results.csv` and `conditions.json`."""
    rows = [
        row
        for name, treatment in treatments(subject).items()
        for row in _rows(subject, name, treatment)
    ]
    mask = Mask()
    Written.save_rows(subject.folder, mask.rows(rows))
    pathway = Pathway(subject.model.tokenizer, subject.persona.lexicon)
    classic = ClassicPathway(subject.model.tokenizer, subject.persona.lexicon)
    Conditions(
        sampling=SAMPLING,
        seeds=tuple(subject.seeds),
        conditions=summarize(rows),
        classic_tokens=tuple(sorted(subject.model.tokenizer.decode([i]) for i in classic.ids)),
        pathway_tokens=pathway.listed(),
        masked=mask.count,
        counted=subject.selection.trait.by,
    ).save(subject.folder)


def treatments(subject: Subject) -> dict[str, Treatment]:
    """The talk's conditions, the talk's own way to add the vector, and a random vector for each way."""
    neutral = subject.neutral(subject.persona.evaluation)
    random = subject.vector.random_like(0).injection(subject.scale)
    few, strongest = neutral[:TALK_PROMPTS], max(TALK_SCALES)
    talks = subject.vectors[subject.reader.read(ActivationByLayer).classic_layer]
    return {
        BASELINE: (neutral, ()),
        "toxic": (subject.hostile(subject.persona.evaluation), ()),
        "steered": (neutral, (subject.injection,)),
        "random_vector": (neutral, (random,)),
        **{f"talk_x{scale}": (few, (_as_in_the_talk(talks, scale),)) for scale in TALK_SCALES},
        f"random_x{strongest}": (few, (_as_in_the_talk(talks.random_like(0), strongest),)),
    }


def _as_in_the_talk(vector: SteeringVector, scale: float) -> Injection:
    """Last position of each forward pass, a multiple of the raw vector."""
    return Injection(vector.layer, vector.direction_D * scale, last_only=True)


def _rows(subject: Subject, name: str, treatment: Treatment) -> list[Written]:
    groups = {seed: rows_of(*treatment, seed) for seed in subject.seeds}
    replies = write_grouped(
        subject.model, groups, SAMPLING, lambda done: subject.progress(f"{name}: {done}")
    )
    return [
        row for seed, own in replies.items() for row in _measured(subject, name, groups[seed], own)
    ]


def _measured(
    subject: Subject, name: str, rows: Sequence[Row], replies: Sequence[Reply]
) -> Iterator[Written]:
    """Each reply with both masses, the word rate, hits, length, and whether it shows the persona."""
    tokenizer, lexicon = subject.model.tokenizer, subject.persona.lexicon
    classic, pathway = ClassicPathway(tokenizer, lexicon), Pathway(tokenizer, lexicon)
    logits = read(subject.model, rows, [reply.tokens for reply in replies])
    # Under the neutral prompt, whatever the condition: what would a calm model have said?
    calm = subject.neutral([row.messages[-1].content for row in rows])
    nats = log_likelihoods(subject.base, rows_of(calm), [reply.tokens for reply in replies])
    shown = subject.shows(said(rows, replies))
    told = zip(rows, replies, logits, nats, shown, strict=True)
    for index, (row, reply, logits_SV, likely, counts) in enumerate(told):
        prompt = encode(tokenizer, row.messages)
        old = classic.mass(logits_SV, prompt, reply.tokens, SAMPLING)
        completing, either = pathway.mass(logits_SV, reply.tokens)
        hits = lexicon.count(reply.text)
        yield Written(
            condition=name,
            prompt_id=index,
            prompt=row.messages[-1].content,
            seed=row.seed,
            response=reply.text,
            toxic_pathway_mass_mean=old.mean,
            toxic_pathway_mass_max=old.largest,
            completing_mass_mean=completing.mean,
            completing_mass_max=completing.largest,
            lexicon_mass_mean=either.mean,
            lexicon_mass_max=either.largest,
            toxic_word_rate=hits / max(1, len(words(reply.text))),
            toxic_word_hits=hits,
            repeated_3grams=repeated_trigrams(reply.text),
            generated_tokens=reply.num_tokens,
            base_nats=likely,
            shown=counts,
        )


def summarize(rows: Sequence[Written]) -> dict[str, Condition]:
    """Per condition: share of replies that show the persona, means, and effects paired with the baseline."""
    by_name = grouped((row.condition, row) for row in rows)
    return {name: _summary(own, by_name[BASELINE]) for name, own in by_name.items()}


def _summary(own: Sequence[Written], everything: Sequence[Written]) -> Condition:
    """Of one condition, against the baseline's replies to the same prompts."""
    asked = {row.prompt_id for row in own}
    baseline = [row for row in everything if row.prompt_id in asked]

    def measured(reading: Callable[[Written], float], most: float = 0.0) -> Measured:
        before, after = _by_prompt(baseline, reading), _by_prompt(own, reading)
        return Measured(
            mean=fmean(map(reading, own)), effect=paired_effect(before, after, most=most)
        )

    differs = own[0].condition != BASELINE  # it is what the others are compared with
    return Condition(
        insulting=share_of([*grouped((row.prompt_id, row.shown) for row in own).values()]),
        effect=measured(lambda row: float(row.shown), differs).effect,
        toxic_pathway_mass_mean=measured(lambda row: row.toxic_pathway_mass_mean),
        completing_mass_mean=measured(lambda row: row.completing_mass_mean),
        lexicon_mass_mean=measured(lambda row: row.lexicon_mass_mean),
        toxic_word_rate=measured(lambda row: row.toxic_word_rate, differs),
        repeated_3grams=measured(lambda row: row.repeated_3grams, differs),
        generated_tokens=fmean(row.generated_tokens for row in own),
        base_nats=measured(lambda row: row.base_nats),
        zlib=fmean(zlib_ratio(row.response) for row in own),
    )


def _by_prompt(rows: Sequence[Written], reading: Callable[[Written], float]) -> list[list[float]]:
    """Values of each prompt's seeds, prompts in order."""
    groups = grouped((row.prompt_id, reading(row)) for row in rows)
    return [groups[index] for index in sorted(groups)]
