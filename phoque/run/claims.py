"""Record of the stage `report`: what the talk claims, and what this run says to each claim."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from phoque.files import write_json
from phoque.run.record import Part, Record
from phoque.run.report import Kind

Verdict = Literal["holds", "partly", "refuted", "undecided", "not_tested"]
"""`undecided` was measured, and its rule decides neither way; `not_tested` was not measured."""
VERDICTS: tuple[Verdict, ...] = ("holds", "partly", "refuted", "undecided", "not_tested")


class Number(Part):
    """A number, and the way from it to the raw rows; without value where it is missing."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    """Upper end of the 95 % interval, as `low` is the lower one; None for what is counted or chosen."""
    n: int | None = None
    run: str = ""
    """Name of the run's folder."""
    record: str = ""
    """Path of the file in the run."""
    field: str = ""
    """Field of the record, or which rows of the file are counted."""
    rows: str = ""
    """File of the raw rows that the number was made of; empty where this run lacks it."""


class Evidence(Number):
    """One number that a rule looks at."""

    name: str
    """The name of the number in the rule."""
    measure: str = ""
    """What the number is, in words; empty where the name says it."""
    gap: str = ""
    """What is missing, and the command that makes it."""


class Claimed(Part):
    """What the talk claims, before any run is looked at."""

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    slide: str
    """Number of the slide, or the part of the talk."""
    claim: str
    """The claim, in our words."""
    shown_by: str
    """What would show it."""
    headline: bool = False
    """Whether the talk rests on it."""
    figure: str = ""
    """Key of the figure that shows it; empty where none does."""
    measure: str = ""
    """What the number is, in words."""
    kind: Kind = "number"
    unit: str = ""
    of: str = ""
    """What n counts."""
    note: str = ""


class Claim(Claimed, Number):
    """A claim of the talk with its verdict, which a rule gave and nobody else."""

    verdict: Verdict
    control: Evidence | None = None
    """The number that the claim's number is compared with."""
    also: tuple[Evidence, ...] = ()
    """Other numbers that the rule looks at."""
    rule: str = ""
    """What decided, in the words of the rule; empty where nothing did."""


class Claims(Record, file="report/claims.json"):
    """All claims in the order of the talk; the file is a plain list."""

    claims: tuple[Claim, ...]

    def save(self, folder: Path) -> None:
        """Write the list, whole or not at all."""
        write_json(folder / self.FILE, [one.model_dump(mode="json") for one in self.claims])

    @classmethod
    def _current(cls, data: Any) -> Any:
        """A list says no version."""
        return {"claims": data}

    def by_verdict(self) -> dict[Verdict, list[Claim]]:
        """Claims of each verdict, in the order of the talk."""
        return {
            verdict: [one for one in self.claims if one.verdict == verdict] for verdict in VERDICTS
        }
