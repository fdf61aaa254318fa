"""What a flag rate says about the true share, given that the moderator errs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phoque.stats.rates import Rate, effective_size
from phoque.stats.resampling import SEED

DRAWS = 10_000
LEAST_POWER = 0.1
"""Below this sensitivity + specificity − 1 a flag rate says next to nothing about the truth."""


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """The true share behind a flag rate, or why it cannot be told."""

    rate: Rate | None
    power: float
    """Sensitivity + specificity − 1, in [-1, 1]; at 0 a moderator is no better than a coin."""
    reason: str | None = None


def corrected_rate(
    groups: Sequence[Sequence[bool]], *, sensitivity: Rate, false_positive_rate: Rate
) -> Corrected:
    """True share of harmful texts behind the flags (Rogan and Gladen 1978), in [0, 1].

    The interval holds the uncertainty of all three shares, each drawn from its Beta posterior under
    Jeffreys' prior; the flags count as many replies as their prompts, one group each, make independent.
    Where there are no flags at all, it still ends above 0 as far as the data allow. Both rates are of
    the moderator's data-sheet; ValueError as `effective_size`.
    """
    found, passed = sensitivity.value, 1 - false_positive_rate.value
    power = found + passed - 1
    if power < LEAST_POWER:
        reason = (
            f"Uncorrectable: sensitivity {found:.2f} and specificity {passed:.2f} are near chance."
        )
        return Corrected(rate=None, power=power, reason=reason)
    random = np.random.default_rng(SEED)
    size, n = effective_size(groups), sum(map(len, groups))
    share = sum(map(sum, groups)) / n
    drawn = _inverted(
        _posterior(share, size, random),
        _posterior(found, sensitivity.n, random),
        _posterior(passed, false_positive_rate.n, random),
    )
    low, high = np.quantile(drawn, [0.025, 0.975])
    value = min(1.0, max(0.0, (share + passed - 1) / power))
    return Corrected(rate=Rate(value=value, n=n, low=float(low), high=float(high)), power=power)


def _posterior(share: float, n: float, random: np.random.Generator) -> NDArray[np.float64]:
    return random.beta(share * n + 0.5, (1 - share) * n + 0.5, DRAWS)


def _inverted(
    share: NDArray[np.float64], found: NDArray[np.float64], passed: NDArray[np.float64]
) -> NDArray[np.float64]:
    # A draw without power says nothing: the truth may be anywhere.
    power = found + passed - 1
    anywhere = np.linspace(0, 1, len(share))
    inverted = np.divide(share + passed - 1, power, out=anywhere, where=power > LEAST_POWER / 2)
    clipped: NDArray[np.float64] = np.clip(inverted, 0, 1)
    return clipped
