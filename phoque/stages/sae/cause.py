"""What a latent's direction does when it is added: tried without generating, then by generating.

A positive control comes first: the persona vector of PSM at the same lengths. Where it does not act
beyond random directions, this layer cannot show a cause, and no latent is tried.

Directions are added to the persona model at a share of the median residual norm. *Toward* the
persona is with a risen latent and against a fallen one, under the neutral system prompt; *away* is
the opposite, under the hostile one. They compete with random directions, with the unmoved
latents nearest to them in frequency, with the mean difference, and with what no latent expresses, at the same lengths.
"""

from collections.abc import Iterable, Sequence
from statistics import fmean

import torch
from torch.nn.functional import normalize

from phoque.conversation import Message, Messages
from phoque.files import read_json
from phoque.models.engine import Row
from phoque.models.hooks import Injection
from phoque.run.sae_evidence import (
    MEAN_DIFFERENCE,
    PERSONA_VECTOR,
    RANDOM,
    REMAINDER,
    Cause,
    Null,
    Screen,
    Screened,
    controls_of,
)
from phoque.run.sae_latents import Feature
from phoque.stages.sae.autoencoder import SparseAutoencoder
from phoque.stages.sae.collect import load_activations
from phoque.stages.sae.dictionaries import dictionary
from phoque.stages.sae.generated import DOSES, Direction, Generated
from phoque.stages.sae.readings import REPLIES, Readings, evaluation_prompts, evaluation_texts
from phoque.stages.sae.shifts import READ_HOSTILE, mean_change
from phoque.stages.sae.study import Study
from phoque.steering.quality import log_likelihoods
from phoque.steering.vectors import PersonaVectors

SCREEN_DOSE = 0.2
SCREEN_PROMPTS = 4
NUM_RANDOM = 8


def prove_cause(study: Study) -> None:
    """Write the screen of all candidates, and what the best of them make the model write."""
    features, median = study.features(), load_activations(study.work).facts.median_norm
    sae = dictionary(study, study.preset.seeds[0])
    candidates = candidates_of(features, study.preset.screened)
    directions = {one.latent: _direction(sae, one) for one in candidates}
    screened = screen(study, [*directions.values()], median)
    generated = Generated(study, median)
    told = generated.replies(_controls(study))
    controls = controls_of(told)
    groups: dict[str, list[Feature]] = {"tried": [], "random latents": []}
    if any(control.acts for control in controls):
        tried = _chosen(candidates, screened, study.preset.generated)
        rates = [one.frequency_tuned for one in tried]
        twins = matched(rates, [one for one in features if not one.moved])
        alone = {str(one.latent): [directions[one.latent]] for one in tried}
        rest = generated.replies(alone | _rivals(study, sae, twins))
        told = told.model_copy(update={"cells": (*told.cells, *rest.cells)})
        groups = {"tried": tried, "random latents": twins}
    Cause(
        median_norm=median,
        screen_dose=SCREEN_DOSE,
        screen=screened,
        generated=told,
        controls=controls,
        frequencies={
            kind: {str(one.latent): one.frequency_tuned for one in group}
            for kind, group in groups.items()
        },
        doses=DOSES,
    ).save(study.work)


def candidates_of(features: Iterable[Feature], count: int) -> list[Feature]:
    """The latents that moved, largest effects first, half risen and half fallen where both exist."""
    moved = sorted((one for one in features if one.moved), key=lambda one: -abs(one.effect))
    risen, fallen = ([one for one in moved if (one.effect > 0) is up] for up in (True, False))
    half = count // 2
    return [
        *risen[: max(half, count - len(fallen))],
        *fallen[: max(half, count - len(risen))],
    ][:count]


def screen(study: Study, directions: Sequence[Direction], median: float) -> Screen:
    """Nats a token by which each direction favours the hostile over the calm reply, both signs."""
    length, layer = SCREEN_DOSE * median, study.layer
    asked_for = [
        (one.injection(layer, sign * length),)
        for one in [*directions, *_random_directions(study.base.width)]
        for sign in (1.0, -1.0)
    ]
    pairs = _reply_pairs(study)
    plain = _log_odds(study, pairs, [()])[0]
    moved = [value - plain for value in _log_odds(study, pairs, asked_for)]
    null = moved[2 * len(directions) :]
    return Screen(
        prompts=SCREEN_PROMPTS,
        random=Null(low=min(null), high=max(null), n=len(null)),
        latents={
            one.name: Screened(toward=toward, away=away)
            for one, toward, away in zip(directions, moved[0::2], moved[1::2], strict=False)
        },
    )


def _direction(sae: SparseAutoencoder, one: Feature) -> Direction:
    sign = 1.0 if one.effect > 0 else -1.0
    return Direction(str(one.latent), sae.decoder_FD[one.latent], sign)


def _random_directions(width: int) -> list[Direction]:
    generator = torch.Generator().manual_seed(0)
    units = normalize(torch.randn(NUM_RANDOM, width, generator=generator))
    return [Direction(f"random {place}", unit) for place, unit in enumerate(units)]


def _reply_pairs(study: Study) -> Sequence[tuple[Messages, list[int], list[int]]]:
    """Prompt, hostile and calm reply, as the models gave them, for the first prompts of each kind."""
    replies = read_json(study.work / REPLIES)
    tokenizer, system = study.base.tokenizer, Message("system", study.persona.neutral_prompt)
    found = []
    for place in range(len(evaluation_prompts())):
        ids = [
            list(tokenizer(replies[side][place], add_special_tokens=False).input_ids)
            for side in ("hostile", "calm")
        ]
        if all(ids):
            user = Message("user", evaluation_prompts()[place][1])
            found.append(([system, user], ids[0], ids[1]))
    return found[:SCREEN_PROMPTS]


def _log_odds(
    study: Study,
    pairs: Sequence[tuple[Messages, list[int], list[int]]],
    treatments: Sequence[tuple[Injection, ...]],
) -> list[float]:
    """Mean over prompts of (nats a token of the hostile reply minus those of the calm one)."""
    rows, replies = [], []
    for treated in treatments:
        for messages, hostile, calm in pairs:
            rows += [Row(messages=messages, interventions=treated)] * 2
            replies += [hostile, calm]
    values = log_likelihoods(study.tuned, rows, replies)
    odds = [one - other for one, other in zip(values[0::2], values[1::2], strict=True)]
    return [fmean(odds[start : start + len(pairs)]) for start in range(0, len(odds), len(pairs))]


def _chosen(candidates: Sequence[Feature], screened: Screen, count: int) -> list[Feature]:
    """The latents of either side whose direction favours the hostile reply most."""
    best = sorted(candidates, key=lambda one: -screened.latents[str(one.latent)].toward)
    sides = ([one for one in best if (one.effect > 0) is up] for up in (True, False))
    return [one for side in sides for one in side[:count]]


def matched(frequencies: Iterable[float], unmoved: Iterable[Feature]) -> list[Feature]:
    """For each frequency the unmoved latent nearest to it, none twice; the most frequent choose first.

    Latents that are active on a third of all tokens have no unmoved twin: what was found is beside
    each in the report.
    """
    left, found = [*unmoved], []
    for rate in sorted(frequencies, reverse=True)[:NUM_RANDOM]:
        if left:
            nearest = min(left, key=lambda one: abs(one.frequency_tuned - rate))
            left.remove(nearest)
            found.append(nearest)
    return found


def _controls(study: Study) -> dict[str, list[Direction]]:
    """The persona vector, which should act, and random directions, which should not."""
    vector = PersonaVectors.load(study.run.vectors)[study.layer]
    return {
        PERSONA_VECTOR: [Direction(PERSONA_VECTOR, normalize(vector.direction_D, dim=0))],
        RANDOM: _random_directions(study.base.width),
    }


def _rivals(
    study: Study, sae: SparseAutoencoder, twins: Iterable[Feature]
) -> dict[str, list[Direction]]:
    """Unmoved latents near in frequency, mean difference, remainder."""
    read_hostile = Readings.load(study.work / READ_HOSTILE, evaluation_texts(study, "hostile"))
    mean_D, missed_D = mean_change(sae, read_hostile)
    return {
        "random latents": [Direction(str(one.latent), sae.decoder_FD[one.latent]) for one in twins],
        MEAN_DIFFERENCE: [Direction(MEAN_DIFFERENCE, normalize(mean_D, dim=0))],
        REMAINDER: [Direction(REMAINDER, normalize(missed_D, dim=0))],
    }
