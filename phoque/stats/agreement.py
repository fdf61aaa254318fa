"""How far two moderators agree, with what makes agreement look better or worse than it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from phoque.stats.paired_ranks import kappa_by_prompt


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
    """95 % percentile bootstrap over prompts."""
    adjusted: float
    """Prevalence- and bias-adjusted kappa, 2 × observed − 1 (Byrt et al. 1993)."""


def agreement(first: Sequence[bool], second: Sequence[bool], prompts: Sequence[str]) -> Agreement:
    """Agreement of two moderators' verdicts, flagged or not, on answers to `prompts`.

    ValueError where there are no texts, or not the same number of verdicts and prompts.
    """
    found = kappa_by_prompt(first, second, prompts)
    # Of one verdict throughout there is nothing to agree about beyond chance.
    known = len(set(first)) == len(set(second)) == 2
    return Agreement(
        n=found.n,
        observed=found.observed,
        prevalence=(sum(first) + sum(second)) / (2 * found.n),
        kappa=found.value if known else None,
        low=found.low if known else None,
        high=found.high if known else None,
        adjusted=2 * found.observed - 1,
    )
