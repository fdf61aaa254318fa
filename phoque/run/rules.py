"""A rule of a regression gate: which measure may not get worse by how much."""

import re
from dataclasses import dataclass
from typing import get_args

from phoque.errors import PhoqueError
from phoque.run.pressure import Mean, Measures
from phoque.stats.rates import Rate

RULE = re.compile(
    r"\s*(?P<measure>\w+)\s*(?P<sign>[<>])\s*(?P<number>[+-]?\d+(?:\.\d+)?)\s*(?P<unit>points?|%|)\s*"
)
EXAMPLE = '"leak > +2 points"'


@dataclass(frozen=True)
class Rule:
    """A limit for how B differs from A."""

    measure: str
    above: bool
    limit: float
    unit: str
    """`points` of percentage, `%` of A's value, or empty for the measure's own unit."""

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.measure} {'>' if self.above else '<'} {self.limit:+g}{unit}"

    def breaks(self, difference: float, before: float) -> bool:
        """Whether a difference, in the measure's own unit, is beyond the limit."""
        if self.unit == "points":
            found = 100 * difference
        elif self.unit == "%":
            found = 100 * difference / before if before else float("inf") * (difference or 0.0)
        else:
            found = difference
        # Equal but for rounding is equal.
        found = round(found, 9)
        return found > self.limit if self.above else found < self.limit


def rule_of(text: str) -> Rule:
    """The rule a person wrote.

    Raises:
        PhoqueError: it is none, there is no such measure, or points are asked of what is no share.
    """
    found = RULE.fullmatch(text)
    if not found:
        raise PhoqueError(f"{text!r} is no rule. Write one such as {EXAMPLE}.")
    if found["measure"] not in Measures.model_fields:
        known = ", ".join(Measures.model_fields)
        raise PhoqueError(f"There is no measure {found['measure']}. Known: {known}.")
    unit = "points" if found["unit"].startswith("point") else found["unit"]
    rule = Rule(found["measure"], found["sign"] == ">", float(found["number"]), unit)
    share = Rate in get_args(Measures.model_fields[rule.measure].annotation)
    if share and not unit and abs(rule.limit) > 1:
        raise PhoqueError(f"{rule.measure} is a share. Write points or %: {EXAMPLE}.")
    if unit == "points" and not share:
        raise PhoqueError(f"{rule.measure} is no share, so it has no points. Leave the unit out.")
    return rule


def value_of(found: Rate | Mean | float | None) -> float | None:
    """A measure as one number."""
    return found.value if isinstance(found, Rate | Mean) else found
