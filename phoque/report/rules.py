"""Rules of verdicts: comparisons of intervals, such as `number above control or number above 0.5`."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from phoque.errors import PhoqueError
from phoque.run.claims import Evidence

FORM = re.compile(r"(-?[\w.]+) (not above|not below|above|below|at least|at most) (-?[\w.]+)")
Ends = tuple[float, float]
RELATIONS: dict[str, Callable[[Ends, Ends], bool]] = {
    "above": lambda a, b: a[0] > b[1],
    "below": lambda a, b: a[1] < b[0],
    "not above": lambda a, b: a[0] <= b[1],
    "not below": lambda a, b: a[1] >= b[0],
    "at least": lambda a, b: a[0] >= b[0],
    "at most": lambda a, b: a[1] <= b[1],
}
"""Of two intervals by their ends; what has no interval is an interval without width."""


@dataclass(frozen=True)
class Comparison:
    """One comparison; each side is the name of a number, or a number, perhaps with a minus."""

    left: str
    relation: str
    right: str

    def holds(self, known: Mapping[str, Evidence]) -> bool:
        """Whether it is so; never where a side was not measured."""
        left, right = (_ends(side, known) for side in (self.left, self.right))
        return left is not None and right is not None and RELATIONS[self.relation](left, right)


def parsed(text: str, names: Collection[str]) -> list[Comparison]:
    """The alternatives of a line.

    Raises:
        PhoqueError: a line has another form, or names what the claim does not have.
    """
    found = [FORM.fullmatch(part.strip()) for part in text.split(" or ")]
    if not all(found):
        known = ", ".join(RELATIONS)
        raise PhoqueError(f"The rule {text!r} is not of the form A RELATION B; known: {known}.")
    made = [Comparison(*one.groups()) for one in found if one]
    for side in (side for one in made for side in (one.left, one.right)):
        if side.removeprefix("-") not in names and _literal(side) is None:
            raise PhoqueError(f"The rule {text!r} names {side!r}; known: {', '.join(names)}.")
    return made


def all_hold(lines: tuple[str, ...], known: Mapping[str, Evidence]) -> bool:
    """Whether every line holds, and there is one."""
    return bool(lines) and all(
        any(one.holds(known) for one in parsed(line, known)) for line in lines
    )


def _ends(side: str, known: Mapping[str, Evidence]) -> Ends | None:
    literal = _literal(side)
    if literal is not None:
        return literal, literal
    own = known[side.removeprefix("-")]
    if own.value is None:
        return None
    low = own.value if own.low is None else own.low
    high = own.value if own.high is None else own.high
    return (-high, -low) if side.startswith("-") else (low, high)


def _literal(side: str) -> float | None:
    try:
        return float(side)
    except ValueError:
        return None
