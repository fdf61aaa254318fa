"""Which of several compromises no other one beats."""

from collections.abc import Sequence


def not_dominated(costs: Sequence[tuple[float, float]]) -> list[bool]:
    """Of each pair of costs, whether no other pair is as low in both and lower in one (Pareto)."""
    return [not any(a <= x and b <= y and (a, b) != (x, y) for a, b in costs) for x, y in costs]
