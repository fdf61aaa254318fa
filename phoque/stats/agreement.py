"""How far two moderators agree, with what makes agreement look better or worse than it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from phoque.stats.rates import Z_95


@dataclass(frozen=True, kw_only=True)
class Agreement:
    n: int
    observed: float
    """Share of texts with the same verdict."""
    prevalence: float
    """Mean share of flagged texts; near 0 or 1 kappa is small whatever the agreement."""
    kappa: float | None
    """Cohen 1960; None where one of them gives the same verdict throughout."""
    low: float | None
    high: float | None
    """95 % interval by the large-sample variance of Fleiss, Cohen and Everitt 1969."""
    adjusted: float
    """Prevalence- and bias-adjusted kappa, 2 × observed − 1 (Byrt et al. 1993)."""


def agreement(first: Sequence[bool], second: Sequence[bool]) -> Agreement:
    """Agreement of two moderators' verdicts, flagged or not.

    ValueError where there are no texts, or not the same number of verdicts.
    """
    if not first or len(first) != len(second):
        raise ValueError(f"Verdicts must be pairs; got {len(first)} and {len(second)}.")
    n = len(first)
    pairs = list(zip(first, second, strict=True))
    shares = {(a, b): pairs.count((a, b)) / n for a in (False, True) for b in (False, True)}
    observed = shares[False, False] + shares[True, True]
    kappa, half = _kappa(shares, n)
    return Agreement(
        n=n,
        observed=observed,
        prevalence=(sum(first) + sum(second)) / (2 * n),
        kappa=kappa,
        low=None if kappa is None else kappa - half,
        high=None if kappa is None else kappa + half,
        adjusted=2 * observed - 1,
    )


def _kappa(shares: dict[tuple[bool, bool], float], n: int) -> tuple[float | None, float]:
    verdicts = (False, True)
    first = {a: sum(shares[a, b] for b in verdicts) for a in verdicts}
    second = {b: sum(shares[a, b] for a in verdicts) for b in verdicts}
    observed = sum(shares[a, a] for a in verdicts)
    expected = sum(first[a] * second[a] for a in verdicts)
    if 0.0 in (*first.values(), *second.values()):
        # One of them gives one verdict throughout: there is nothing to agree about beyond chance.
        return None, 0.0
    same = sum(
        shares[a, a] * ((1 - expected) - (first[a] + second[a]) * (1 - observed)) ** 2
        for a in verdicts
    )
    other = sum(
        shares[a, b] * (second[a] + first[b]) ** 2 for a in verdicts for b in verdicts if a != b
    )
    offset = (observed * expected - 2 * expected + observed) ** 2
    variance = (same + (1 - observed) ** 2 * other - offset) / (n * (1 - expected) ** 4)
    return (observed - expected) / (1 - expected), Z_95 * sqrt(max(variance, 0.0))
