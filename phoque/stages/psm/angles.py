"""Are two personas' vectors opposite? Their cosine at every layer, beside two kinds of controls.

A cosine of 0 is no yardstick: any two changes of the system prompt move the stream a common way. So beside
it stand vectors without a persona (the second one's probes with half of the labels swapped, so that what
the stream's shape alone would give is seen) and vectors of other system prompts, measured on the same probes.

Shapes: N = probes, L = layers, D = width, R = resamples.
"""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from phoque.run.opposites import Angle
from phoque.stats.resampling import Array, jackknife_95, middle_95

RESAMPLES = 1000


def angles(
    first_NLD: Tensor, second_NLD: Tensor, others: Mapping[str, Tensor] | None = None
) -> tuple[Angle, ...]:
    """The cosine of the mean differences at every layer.

    Both personas' differences to the neutral prompt are on the same probes; `others` are mean
    differences_LD of other system prompts.
    """
    return tuple(
        _angle(
            layer,
            first_NLD[:, layer].numpy(),
            second_NLD[:, layer].numpy(),
            {name: mean_LD[layer].numpy() for name, mean_LD in (others or {}).items()},
        )
        for layer in range(first_NLD.shape[1])
    )


def _angle(layer: int, first_ND: Array, second_ND: Array, others: Mapping[str, Array]) -> Angle:
    n, first_D, second_D = len(first_ND), first_ND.mean(0), second_ND.mean(0)
    cosine = float(_cosines(first_D, second_D))
    # Each probe is left out of both personas.
    low, high = jackknife_95(cosine, _cosines(first_D - first_ND / n, second_D - second_ND / n))
    swapped_R = _cosines(first_D, _swaps(n) @ second_ND)
    null_low, null_high = middle_95(swapped_R)
    return Angle(
        layer=layer,
        probes=n,
        cosine=cosine,
        cosine_low=max(-1.0, low),
        cosine_high=min(1.0, high),
        shuffled=float(np.median(swapped_R)),
        shuffled_low=float(null_low),
        shuffled_high=float(null_high),
        other_prompts={name: float(_cosines(first_D, own_D)) for name, own_D in others.items()},
    )


def _swaps(count: int) -> Array:
    """Signs_RN, of which every second one is negative."""
    signs_N = np.ones(count, np.float32)
    signs_N[: count // 2] = -1
    random = np.random.default_rng(42)
    return random.permuted(np.tile(signs_N, (RESAMPLES, 1)), axis=1)


def _cosines(one: Array, other: Array) -> Array:
    """Along the last axis."""
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    cosines: Array = (one * other).sum(-1) / np.maximum(lengths, 1e-12)
    return cosines
