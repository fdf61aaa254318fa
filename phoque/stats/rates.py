"""Rates with their uncertainty, and values by what they belong to: pure functions."""

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import comb, hypot, sqrt
from typing import Protocol, TypeVar

Z_95 = 1.959963984540054
"""97.5 % quantile of the standard normal distribution."""
Count = tuple[int, int]
"""Hits and items of a group."""


class Held(Protocol):
    """A number with the ends of its 95 % interval."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A share of `n` items with its 95 % interval, all in [0, 1]."""

    value: float
    n: int
    low: float
    high: float

    def __str__(self) -> str:
        return (
            f"{100 * self.value:.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}], n = {self.n}"
        )


def wilson(hits: float, n: int) -> Rate:
    """Share of independent items with Wilson's score interval (Wilson 1927); items may hit in part.

    ValueError unless 0 <= hits <= n and n > 0.
    """
    if n <= 0 or not 0 <= hits <= n:
        raise ValueError(f"A rate needs 0 <= hits <= n and n > 0; got {hits} of {n}.")
    return _interval(hits / n, n, n)


def binomial_tail(hits: int, n: int, share: float) -> float:
    """Probability of at least `hits` of `n` when each hits with probability `share`."""
    return sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(hits, n + 1))


def share_of(groups: Sequence[Sequence[bool]]) -> Rate:
    """Share of items in groups, such as prompts: Wilson's interval, which counts groups where they are alike.

    Where every group has one item, items are independent. Where a group has several, the interval is
    that of `effective_size` items. Where all items are of one group, nothing says how groups differ:
    they count as one item, however many they are. ValueError where there are no items.
    """
    return share_of_counts(_counted(groups))


def share_of_counts(counts: Collection[Count]) -> Rate:
    """As `share_of`, where only the hits and the items of each group are known."""
    counts = [(hits, size) for hits, size in counts if size]
    hits, n = (sum(column) for column in zip((0, 0), *counts, strict=True))
    if len(counts) == n or n == 0:
        return wilson(hits, n)
    return _interval(hits / n, n, 1 if len(counts) == 1 else _effective(counts))


def nested_share(larger: Sequence[Sequence[Count]]) -> Rate:
    """Share of items in groups that lie in larger ones, such as speakers in seeds; never narrower than without these.

    The variance is that of drawing larger groups again and then groups within them (the nested bootstrap, in
    closed form). Where there is one larger group, or all items agree, nothing says how larger groups differ,
    and the interval is that of `share_of_counts`. ValueError where there are no items.

    Few larger groups say little. Of three that differ as much as their groups do, it covers the truth in about
    84 of 100 cases (without them 61); of three that do not differ, in 98.
    """
    counts = [[(hits, size) for hits, size in own if size] for own in larger]
    counts = [own for own in counts if own]
    flat = share_of_counts([count for own in counts for count in own])
    if len(counts) < 2 or flat.value in {0, 1}:
        return flat
    spread = sum(_nested_spread(own, flat.value) for own in counts)
    effective = flat.value * (1 - flat.value) * flat.n**2 / spread if spread else flat.n
    nested = _interval(flat.value, flat.n, min(max(effective, len(counts)), flat.n))
    return max(flat, nested, key=lambda one: one.high - one.low)


def by_cluster(items: Iterable[tuple[str, bool]]) -> Rate:
    """As `share_of`, from pairs of a group's name, such as a prompt, and whether the item hit."""
    return share_of([*grouped(items).values()])


def by_prompt_and_draw(items: Iterable[tuple[str, int, bool]]) -> Rate:
    """Share of replies, for new prompts and new draws of a vector, from prompt, draw and whether the reply hit.

    Prompts are one kind of group and draws another: the wider interval is given. Of one draw, prompts alone count.
    """
    items = sorted(items)
    rates = [by_cluster((prompt, hit) for prompt, _, hit in items)]
    if len({draw for _, draw, _ in items}) > 1:
        rates.append(by_cluster((str(draw), hit) for _, draw, hit in items))
    return max(rates, key=lambda one: one.high - one.low)


def effective_size(groups: Sequence[Sequence[bool]]) -> float:
    """How many independent items say as much as these groups do.

    Number of items / design effect, which compares the variance between groups with that of
    independent items (Kish 1965). It lies between the number of groups and the number of items;
    where all items agree nothing can be estimated, and the number of groups is taken. ValueError
    without items in two groups.
    """
    return _effective(_counted(groups))


def newcombe(a: Held, b: Held) -> tuple[float, float]:
    """Interval of b − a for independent samples, from both intervals (Newcombe 1998, method 10)."""
    value = b.value - a.value
    low = hypot(b.value - b.low, a.high - a.value)
    high = hypot(b.high - b.value, a.value - a.low)
    return value - low, value + high


def _counted(groups: Sequence[Sequence[bool]]) -> list[Count]:
    return [(sum(group), len(group)) for group in groups]


def _effective(counts: Collection[Count]) -> float:
    n = sum(size for _, size in counts)
    if n == 0 or len(counts) < 2:
        raise ValueError(f"A clustered rate needs two groups with items; got {len(counts)}.")
    share = sum(hits for hits, _ in counts) / n
    spread = sum((hits - share * size) ** 2 for hits, size in counts)
    variance = spread / n**2 * len(counts) / (len(counts) - 1)
    independent = share * (1 - share)
    effective = len(counts) if not independent else independent / variance if variance else n
    return min(max(effective, len(counts)), n)


def _nested_spread(counts: Sequence[Count], share: float) -> float:
    """What one larger group adds to the spread: its own distance from the share, and that of its groups from it."""
    off = [hits - share * size for hits, size in counts]
    number, total = len(off), sum(off)
    within = sum((one - total / number) ** 2 for one in off)
    return total**2 + (within * number / (number - 1) if number > 1 else 0.0)


def _interval(share: float, n: int, effective: float) -> Rate:
    centre = (share + Z_95**2 / (2 * effective)) / (1 + Z_95**2 / effective)
    half = Z_95 / (1 + Z_95**2 / effective)
    half *= sqrt(share * (1 - share) / effective + Z_95**2 / (4 * effective**2))
    # At the ends the formula touches 0 and 1 but for rounding.
    low = 0.0 if share == 0 else centre - half
    high = 1.0 if share == 1 else centre + half
    return Rate(value=share, n=n, low=low, high=high)


K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    """Second parts of pairs by their first ones, both in the order in which they come."""
    found: dict[K, list[V]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
