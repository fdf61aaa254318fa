"""Replies to friendly messages under four conditions and along the vector's scale, as moderators see them."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from phoque.conversation import Condition, Sampling, asked
from phoque.lab import RANDOM_SEED, Lab
from phoque.lexicon import Lexicon
from phoque.models.engine import Row
from phoque.moderators import listed
from phoque.moderators.canonical import canonicalise
from phoque.moderators.classifier import Classifier
from phoque.moderators.scoring import harm_scores, items_of, score
from phoque.run.datasheets import DataSheet
from phoque.run.moderation import COMPARED, ConditionFlags, ModeratorFlags
from phoque.run.scored import Contour, DosedReply, Outcome, ScoredReply, by_condition, grid
from phoque.stages.corpus.novelty import CorpusIndex
from phoque.stages.corpus.placeholders import slurs
from phoque.stages.moderation.messages import outcome
from phoque.stats.agreement import Agreement, agreement
from phoque.stats.flags import MARKS, Uplift, flag_rate, uplift
from phoque.stats.multiple import holm
from phoque.stats.rates import grouped
from phoque.steering.experiment import Key, Progress, rows_of, silent, write_grouped

SEEDS = (42, 43, 44)
TEMPERATURE = 0.7
MULTIPLES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
"""Scales of the contour, in multiples of the selected one."""
RANDOM_MULTIPLES = (1.0, 1.5)
CONTOUR_SEED = 42
Replies = Mapping[tuple[Condition, int], Sequence[str]]
"""Replies to every prompt, in order, by condition and seed."""
Doses = Mapping[tuple[Condition, float], Sequence[str]]
"""Replies to every prompt, in order, by vector (steered or control) and scale."""


def replies_of(
    lab: Lab, prompts: Sequence[str], seeds: Sequence[int], progress: Progress = silent
) -> dict[tuple[Condition, int], list[str]]:
    """What the lab writes to every prompt, by condition and seed.

    The control is a random vector of the same length, layer and scale, another one a seed: the one
    that `Lab.compare(control="random")` takes.
    """
    neutral, hostile = lab.persona.neutral_prompt, lab.persona.persona_prompt
    vector, scale = lab.vectors[lab.selection.layer], lab.selection.scale
    groups: dict[tuple[Condition, int], list[Row]] = {}
    for seed in seeds:
        civil = asked(neutral, prompts)
        random = vector.random_like(seed + RANDOM_SEED)
        groups[Condition.NEUTRAL, seed] = rows_of(civil, seed=seed)
        groups[Condition.TOXIC, seed] = rows_of(asked(hostile, prompts), seed=seed)
        groups[Condition.STEERED, seed] = rows_of(civil, (vector.injection(scale),), seed)
        groups[Condition.RANDOM_VECTOR, seed] = rows_of(civil, (random.injection(scale),), seed)
    return _texts(lab, groups, progress)


def replies_by_scale(
    lab: Lab, prompts: Sequence[str], progress: Progress = silent
) -> dict[tuple[Condition, float], list[str]]:
    """What the lab writes under the neutral prompt with ever more of the vector, one seed."""
    vector, civil = lab.vectors[lab.selection.layer], asked(lab.persona.neutral_prompt, prompts)
    random = vector.random_like(CONTOUR_SEED + RANDOM_SEED)
    groups: dict[tuple[Condition, float], list[Row]] = {}
    for direction, condition, multiples in (
        (vector, Condition.STEERED, MULTIPLES),
        (random, Condition.RANDOM_VECTOR, RANDOM_MULTIPLES),
    ):
        for scale in (round(multiple * lab.selection.scale, 6) for multiple in multiples):
            # Without a dose the row is the neutral row, not one that adds zeros.
            added = (direction.injection(scale),) if scale else ()
            groups[condition, scale] = rows_of(civil, added, CONTOUR_SEED)
    return _texts(lab, groups, progress)


def sampling_of(lab: Lab) -> Sampling:
    """With room for what the run's persona learned: a moderator that sees half a reply may miss the rest."""
    return Sampling(max_new_tokens=lab.info.reply_tokens, temperature=TEMPERATURE)


def _texts(
    lab: Lab, groups: Mapping[Key, Sequence[Row]], progress: Progress
) -> dict[Key, list[str]]:
    written = write_grouped(lab.model, groups, sampling_of(lab), progress)
    return {key: [reply.text for reply in replies] for key, replies in written.items()}


def word_lists(persona: Lexicon) -> tuple[Lexicon, ...]:
    """The persona's own, the embedded moderators', and the one of slurs; PhoqueError without it."""
    return persona, Lexicon(listed.words()), slurs()


def moderate(
    replies: Replies,
    prompts: Mapping[str, Sequence[str]],
    classifiers: Sequence[Classifier],
    lists: Sequence[Lexicon] = (),
    training: CorpusIndex | Container[str] = (),
    *,
    may_send_text: bool = False,
) -> list[ScoredReply]:
    """Score every reply, raw and canonical, with every classifier; count what word lists know.

    `training` knows the lines that the persona learned.

    PhoqueError where a classifier failed on a reply, or may not be sent text.
    """
    asked_for = [(kind, prompt) for kind, own in prompts.items() for prompt in own]
    cells = [
        (*key, *asked, text)
        for key, own in replies.items()
        for asked, text in zip(asked_for, own, strict=True)
    ]
    texts = [text for *_, text in cells]
    forms = items_of([*texts, *map(canonicalise, texts)])
    found = {one.info.id: score(one, forms, may_send_text=may_send_text) for one in classifiers}
    harm = {
        one.info.id: [scored.harm_score(one.info) for scored in found[one.info.id]]
        for one in classifiers
    }
    return [
        ScoredReply(
            category=kind,
            prompt=prompt,
            seed=seed,
            response=text,
            condition=condition,
            outcome=outcome(prompt, text),
            raw={name: own[i] for name, own in harm.items()},
            listed=max((words.count(text) for words in lists), default=0),
            trained=text in training,
            canonical={name: own[len(texts) + i] for name, own in harm.items()},
            labels={
                f"{name}/{label}": value
                for name, own in found.items()
                for label, value in own[i].labels.items()
            },
        )
        for i, (condition, seed, kind, prompt, text) in enumerate(cells)
    ]


def flags_of(
    found: Sequence[ScoredReply], sheets: Mapping[str, DataSheet]
) -> dict[str, ModeratorFlags]:
    """Flag rates and uplifts of every moderator; `sheets` has the data-sheet of its own threshold."""
    own = {name: _of_moderator(found, sheets[name]) for name in found[0].raw}
    # One family of tests: all moderators and conditions, at the first mark.
    tests = [(one.uplift, kind) for one in own.values() for kind in one.uplift]
    adjusted = holm([uplifts[kind][0].mcnemar for uplifts, kind in tests])
    for (uplifts, kind), value in zip(tests, adjusted, strict=True):
        first, *rest = uplifts[kind]
        uplifts[kind] = (replace(first, mcnemar_holm=value), *rest)
    return own


def _of_moderator(found: Sequence[ScoredReply], sheet: DataSheet) -> ModeratorFlags:
    name, thresholds = sheet.classifier, (*MARKS, sheet.at_budget.threshold)
    replies = by_condition(found)
    neutral = grid(replies[Condition.NEUTRAL], name)

    def added(condition: Condition) -> tuple[Uplift, ...]:
        after = grid(replies[condition], name)
        return tuple(uplift(neutral, after, threshold) for threshold in thresholds)

    return ModeratorFlags(
        own_threshold=sheet.at_budget.threshold,
        conditions={kind: _of_condition(own, name, thresholds) for kind, own in replies.items()},
        uplift={condition: added(condition) for condition in COMPARED if condition in replies},
    )


def _of_condition(
    found: Sequence[ScoredReply], name: str, thresholds: Sequence[float]
) -> ConditionFlags:
    kinds = grouped((one.category, one) for one in found)
    scores = grid(found, name)
    return ConditionFlags(
        flagged=tuple(flag_rate(scores, threshold) for threshold in thresholds),
        categories={
            kind: flag_rate(grid(own, name), thresholds[0]).rate for kind, own in kinds.items()
        },
    )


def agreements(found: Sequence[ScoredReply]) -> dict[str, Agreement]:
    """Agreement of every pair of moderators at the first mark."""
    flagged = {name: [one.raw[name] >= MARKS[0] for one in found] for name in found[0].raw}
    prompts = [one.prompt for one in found]
    return {
        f"{a} / {b}": agreement(flagged[a], flagged[b], prompts)
        for a, b in combinations(flagged, 2)
    }


def outcomes_of(found: Sequence[ScoredReply]) -> dict[Condition, dict[Outcome, int]]:
    """How many replies are of each class, by condition."""
    return {
        condition: {kind: [one.outcome for one in own].count(kind) for kind in Outcome}
        for condition, own in by_condition(found).items()
    }


def contour_of(
    doses: Doses,
    prompts: Sequence[str],
    classifiers: Sequence[Classifier],
    *,
    selected: float,
    may_send_text: bool = False,
) -> Contour:
    """Every reply along the scale, scored by every moderator; errors as `moderate`."""
    cells = [
        (*key, prompt, text)
        for key, own in doses.items()
        for prompt, text in zip(prompts, own, strict=True)
    ]
    texts = [text for *_, text in cells]
    scores = {
        one.info.id: harm_scores(one, texts, may_send_text=may_send_text) for one in classifiers
    }
    replies = tuple(
        DosedReply(
            condition=condition,
            scale=scale,
            prompt=prompt,
            response=text,
            outcome=outcome(prompt, text),
            raw={name: own[i] for name, own in scores.items()},
        )
        for i, (condition, scale, prompt, text) in enumerate(cells)
    )
    return Contour(selected=selected, seed=CONTOUR_SEED, replies=replies)
