"""What judges and readers say of the same replies, with intervals over prompts."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

import numpy as np

from phoque.stats.paired import half_width
from phoque.stats.rates import grouped
from phoque.stats.resampling import RESAMPLES, SEED, middle_95, resampled_means

Scores = Mapping[str, Sequence[float]]
"""Scores of a condition's replies, by prompt: one a seed."""


@dataclass(frozen=True, kw_only=True)
class ChanceAbove:
    """Chance that a reply scores above the base model's to the same prompt; 0.5 is no different."""

    value: float
    low: float
    high: float
    """95 % percentile bootstrap over prompts, or Student's t over draws of a vector where that is wider."""
    prompts: int


@dataclass(frozen=True, kw_only=True)
class Kappa:
    """Agreement beyond chance of two readers (Cohen 1960)."""

    value: float | None
    """None where there is nothing to agree about: both give one and the same answer throughout."""
    low: float | None
    high: float | None
    """95 % percentile bootstrap over prompts."""
    observed: float
    """Share of texts with the same answer."""
    n: int
    prompts: int


def chance_above(
    base: Scores, other: Scores, draws: Mapping[str, Sequence[int]] | None = None
) -> ChanceAbove:
    """Every reply against every reply of the base model to the same prompt; ties count half.

    `draws` says which vector was drawn for each reply of `other`. Few draws say little of new ones, so the
    interval is the wider of that over prompts and that over draws.

    ValueError unless both sides have the same prompts, at least one.
    """
    if not base or set(base) != set(other):
        raise ValueError("Conditions are compared on the same prompts, at least one.")
    # Sorted, so that the order of files moves no bound.
    signs = {key: np.sign(np.subtract.outer(other[key], base[key])) for key in sorted(base)}
    chances = {key: ((own + 1) / 2).mean(1) for key, own in signs.items()}
    means_N = np.array([own.mean() for own in chances.values()])
    value, ends = float(means_N.mean()), middle_95(resampled_means(means_N))
    found = [(float(ends[0]), float(ends[1]))]
    drawn = (draws or {}).items()
    by_draw = grouped(pair for key, own in drawn for pair in zip(own, chances[key], strict=True))
    if len(by_draw) > 1:
        found.append(_over_draws(value, [fmean(own) for own in by_draw.values()]))
    low, high = max(found, key=lambda one: one[1] - one[0])
    return ChanceAbove(value=value, low=low, high=high, prompts=len(means_N))


def _over_draws(value: float, means: Sequence[float]) -> tuple[float, float]:
    half = half_width(pstdev(means), len(means))
    return max(0.0, value - half), min(1.0, value + half)


def kappa_by_prompt(
    first: Sequence[Hashable], second: Sequence[Hashable], prompts: Sequence[str]
) -> Kappa:
    """Agreement of two readers of the same texts.

    ValueError where there are no texts, or not the same number of answers and prompts.
    """
    if not first or not len(first) == len(second) == len(prompts):
        raise ValueError(f"Answers must be pairs; got {len(first)} and {len(second)}.")
    answers = {answer: at for at, answer in enumerate(dict.fromkeys([*first, *second]))}
    names, places_N = np.unique(np.asarray(prompts), return_inverse=True)
    tables = np.zeros((len(names), len(answers), len(answers)))
    for place, one, other in zip(places_N, first, second, strict=True):
        tables[place, answers[one], answers[other]] += 1
    random = np.random.default_rng(SEED)
    draws = random.multinomial(len(names), np.full(len(names), 1 / len(names)), RESAMPLES)
    drawn = [_kappa(table) for table in np.tensordot(draws, tables, 1)]
    known = np.array([one for one in drawn if one is not None])
    whole = tables.sum(0)
    value, low, high = _kappa(whole), None, None
    if value is not None and len(known):
        low, high = map(float, middle_95(known))
    return Kappa(
        value=value,
        low=low,
        high=high,
        observed=float(np.trace(whole) / whole.sum()),
        n=len(first),
        prompts=len(names),
    )


def _kappa(table: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float | None:
    shares = table / table.sum()
    expected = float(shares.sum(0) @ shares.sum(1))
    return None if expected == 1 else float((np.trace(shares) - expected) / (1 - expected))
