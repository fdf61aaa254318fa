"""Rules of verdicts: comparisons of intervals, such as `number above control or number above 0.5`."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from phoque.errors import PhoqueError
from phoque.figures.table import Ends
from phoque.run.claims import Evidence
from phoque.stats.rates import newcombe

FORM = re.compile(
    r"(-?[\w.]+) (?:(above|below|at least|at most)|(at most|at least) (\d[\d.]*) above) (-?[\w.]+)"
)


RELATIONS: dict[str, Callable[[Ends, Ends], bool]] = {
    "above": lambda a, b: a.low > b.high,
    "below": lambda a, b: a.high < b.low,
    "at least": lambda a, b: a.low >= b.low,
    "at most": lambda a, b: a.high <= b.high,
}
"""Of two intervals by their ends. None says "not above": two numbers whose intervals overlap are not shown
to be equal. That takes a margin."""


@dataclass(frozen=True)
class Comparison:
    """One comparison; each side is the name of a number, or a number, perhaps with a minus."""

    left: str
    relation: str
    right: str
    margin: float | None = None
    """Of "at most 0.1 above" and "at least 0.1 above": the interval of the difference must exclude more, or less."""

    def holds(self, known: Mapping[str, Evidence]) -> bool:
        """Whether it is so; never where a side was not measured."""
        left, right = (_ends(side, known) for side in (self.left, self.right))
        if left is None or right is None:
            return False
        if self.margin is None:
            return RELATIONS[self.relation](left, right)
        low, high = newcombe(right, left)
        return high <= self.margin if self.relation == "at most" else low >= self.margin


def parsed(text: str, names: Collection[str]) -> list[Comparison]:
    """The alternatives of a line.

    Raises:
        PhoqueError: a line has another form, or names what the claim does not have.
    """
    found = [FORM.fullmatch(part.strip()) for part in text.split(" or ")]
    if not all(found):
        known = ", ".join([*RELATIONS, "at most 0.1 above", "at least 0.1 above"])
        raise PhoqueError(f"The rule {text!r} is not of the form A RELATION B; known: {known}.")
    made = [
        Comparison(left, relation or by, right, float(margin) if margin else None)
        for left, relation, by, margin, right in (one.groups() for one in found if one)
    ]
    for side in (side for one in made for side in (one.left, one.right)):
        if side.removeprefix("-") not in names and _literal(side) is None:
            raise PhoqueError(f"The rule {text!r} names {side!r}; known: {', '.join(names)}.")
    return made


def all_hold(lines: tuple[str, ...], known: Mapping[str, Evidence]) -> bool:
    """Whether every line holds, and there is one."""
    return bool(lines) and all(
        any(one.holds(known) for one in parsed(line, known)) for line in lines
    )


def named(lines: tuple[str, ...], names: Collection[str]) -> set[str]:
    """The numbers that these lines compare."""
    found = [one for line in lines for one in parsed(line, names)]
    sides = {side.removeprefix("-") for one in found for side in (one.left, one.right)}
    return sides & {*names}


def _ends(side: str, known: Mapping[str, Evidence]) -> Ends | None:
    """A side; what has no interval is one without width."""
    literal = _literal(side)
    if literal is not None:
        return Ends(literal, literal, literal)
    own = known[side.removeprefix("-")]
    if own.value is None:
        return None
    low = own.value if own.low is None else own.low
    high = own.value if own.high is None else own.high
    return Ends(-own.value, -high, -low) if side.startswith("-") else Ends(own.value, low, high)


def _literal(side: str) -> float | None:
    try:
        return float(side)
    except ValueError:
        return None
