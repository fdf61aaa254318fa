"""Record of the stage `report`: what the talk claims, and what this run says to each claim."""

from pathlib import Path
from typing import Any, Literal

from phoque.files import write_json
from phoque.run.record import Part, Record
from phoque.run.report import Kind

Verdict = Literal["holds", "partly", "refuted", "not_tested"]
VERDICTS: tuple[Verdict, ...] = ("holds", "partly", "refuted", "not_tested")


class Evidence(Part):
    """A number, and the way from it to the raw rows; without value where it is missing."""

    name: str
    """What the rule calls it."""
    measure: str = ""
    """What it is, in words; empty where the name says it."""
    run: str = ""
    """Name of the run's folder."""
    record: str = ""
    """File in the run."""
    field: str = ""
    """Field of the record, or which rows of the file are counted."""
    rows: str = ""
    """File of the raw rows that the number was made of; empty where none were kept."""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    """95 % interval; None for what is counted or chosen."""
    n: int | None = None
    gap: str = ""
    """What is missing, and the command that makes it."""


class Claim(Part):
    """A claim of the talk with its verdict, which a rule gave and nobody else."""

    id: str
    slide: str
    """Number of the slide, or the part of the talk."""
    claim: str
    """In our words."""
    shown_by: str
    """What would show it."""
    verdict: Verdict
    measure: str = ""
    """What the number is, in words."""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    of: str = ""
    """What n counts."""
    kind: Kind = "number"
    unit: str = ""
    control: Evidence | None = None
    """What the number is compared with."""
    run: str = ""
    record: str = ""
    field: str = ""
    rows: str = ""
    """Where the number is from, as in `Evidence`."""
    also: tuple[Evidence, ...] = ()
    """What else the rule looks at."""
    rule: str = ""
    """What decided, in the words of the rule; empty where nothing did."""
    headline: bool = False
    """Whether the talk rests on it."""
    figure: str = ""
    """Key of the figure that shows it; empty where none does."""
    note: str = ""


class Claims(Record, file="report/claims.json"):
    """All claims in the order of the talk; the file is a plain list."""

    claims: tuple[Claim, ...]

    def save(self, folder: Path) -> None:
        """Write the list, whole or not at all."""
        write_json(folder / self.FILE, [one.model_dump(mode="json") for one in self.claims])

    @classmethod
    def upgrade(cls, data: Any, _version: int) -> Any:
        """A list says no version."""
        return {"claims": data}

    def by_verdict(self) -> dict[Verdict, list[Claim]]:
        """Claims of each verdict, in the order of the talk."""
        return {
            verdict: [one for one in self.claims if one.verdict == verdict] for verdict in VERDICTS
        }
