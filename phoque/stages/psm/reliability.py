"""Is a mean difference a direction or noise? Asked before anything is generated.

It says whether the probes agree on a direction, not what the direction does: any two system prompts
differ in some stable way, so that an effect needs its own controls.

Shapes: N = probes, K = splits, D = width.
"""

from collections.abc import Sequence
from math import sqrt

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from phoque.run.psm_vector import Agreement, CurvePoint, Verdict

NUM_SPLITS, DRAWS, SEED = 500, 200, 42
MIDDLE = torch.tensor([0.025, 0.5, 0.975])
TRUSTED_COSINE = 0.8
"""Split-half cosine from which a vector counts as reliable: doubled by Spearman and Brown, 0.89."""


def agreement(differences_ND: Tensor, layer: int = 0) -> Agreement:
    """Judge the differences of one layer; ValueError with fewer than four probes to halve."""
    if len(differences_ND) < 4:
        raise ValueError(f"Two halves need at least four probes; got {len(differences_ND)}.")
    generator = torch.Generator().manual_seed(SEED)
    halves_K = _split_half(differences_ND, generator)
    null_K = _split_half(differences_ND, generator, shuffled=True)
    alone_N = leave_one_out(differences_ND)
    low, median, high = halves_K.quantile(MIDDLE).tolist()
    null, floor = float(null_K.quantile(0.975)), 3 / sqrt(differences_ND.shape[1])
    return Agreement(
        layer=layer,
        num_probes=len(differences_ND),
        split_half=median,
        split_half_low=low,
        split_half_high=high,
        leave_one_out=float(alone_N.mean()),
        leave_one_out_worst=float(alone_N.min()),
        null=null,
        floor=floor,
        verdict=_verdict(median, low, max(null, floor)),
    )


def scalar_products(vectors_ND: Tensor) -> list[tuple[float, ...]]:
    """Of each with itself and those before it, to eight digits; every cosine of sums is made of these."""
    products_NN = vectors_ND.double() @ vectors_ND.double().T
    return [
        tuple(float(f"{x:.8g}") for x in row[: place + 1])
        for place, row in enumerate(products_NN.tolist())
    ]


def leave_one_out(differences_ND: Tensor) -> Tensor:
    """Cosines_N of each difference with the mean of the others."""
    others_ND = differences_ND.sum(0) - differences_ND
    return cosine_similarity(differences_ND, others_ND)


def probe_curve(differences_ND: Tensor, counts: Sequence[int]) -> tuple[CurvePoint, ...]:
    """What more probes buy: cosine of `n` probes' mean with that of the probes not among them.

    Disjoint sets, or the curve would rise to 1 by construction.
    """
    generator = torch.Generator().manual_seed(SEED)
    rows = []
    for count in (n for n in counts if n <= len(differences_ND) // 2):
        order_KN = _orders(DRAWS, len(differences_ND), generator)
        one = differences_ND[order_KN[:, :count]].mean(1)
        rest = differences_ND[order_KN[:, len(differences_ND) // 2 :]].mean(1)
        low, median, high = cosine_similarity(one, rest).quantile(MIDDLE).tolist()
        rows.append(CurvePoint(probes=count, cosine=median, low=low, high=high))
    return tuple(rows)


def _split_half(
    differences_ND: Tensor, generator: torch.Generator, *, shuffled: bool = False
) -> Tensor:
    """Cosines_K of the mean differences of random halves, labels swapped or not."""
    half = len(differences_ND) // 2
    order_KN = _orders(NUM_SPLITS, len(differences_ND), generator)
    # Weights of the probes in a half, in their random order; swapped labels must cancel exactly,
    # or what the probes share would come back with a random sign.
    weights_H = torch.ones(half)
    if shuffled:
        weights_H[1::2] = -1
        weights_H[2 * (half // 2) :] = 0
    one_KD, other_KD = (
        torch.zeros(order_KN.shape).scatter_(1, chosen_KH, weights_H.expand(NUM_SPLITS, -1))
        @ differences_ND
        for chosen_KH in (order_KN[:, :half], order_KN[:, half : 2 * half])
    )
    return cosine_similarity(one_KD, other_KD)


def _orders(draws: int, size: int, generator: torch.Generator) -> Tensor:
    return torch.rand(draws, size, generator=generator).argsort(1)


def _verdict(median: float, low: float, noise: float) -> Verdict:
    if median <= noise:
        return "noise"
    return "trust" if low >= TRUSTED_COSINE else "weak"
