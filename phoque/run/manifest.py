"""Records beside the stages' folders: how a run was made, and the attempts at it."""

from typing import Literal

from pydantic import ConfigDict, Field

from phoque.run.record import Part, Record

ROOT = "."
"""Stands for the run's own folder, in the place of a stage's."""
Outcome = Literal["complete", "stopped", "failed", "killed"]
"""How an attempt ends; one that could not say so was killed."""


class Made(Part):
    """How a complete stage was made; keys of other versions are kept."""

    model_config = ConfigDict(extra="allow")

    seconds: float = 0.0
    finished: str = ""
    """UTC."""
    seeds: tuple[int, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)
    """Of libraries."""
    machine: str = ""
    commit: str | None = None
    """Git commit of the code."""
    outputs: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of every file, by its path in the run."""
    quantize: str | None = None
    """In what the base weights were kept while an adapter was trained."""
    again: bool = False
    """It is to be made again; until then its results stay what they are."""


class Continues(Part):
    """Whose adapters those of a refreshed run go on from, and what was asked of it."""

    run: str
    """Folder of that run, as seen from the folder in which this one lies."""
    adapter: str
    """SHA-256 of the weights of that run's persona."""
    slang: str
    """SHA-256 of the list of new expressions."""
    replay: float
    """Old dialogues that are trained on again for each new one."""
    count: int
    """Texts of an attack corpus."""
    policies: dict[str, str]
    """SHA-256 of the file of each policy that was tested."""


class Manifest(Record, file="./manifest.json"):
    """What a run is about, and its complete stages in the order in which they were first made."""

    model_config = ConfigDict(extra="allow")

    model: str = "lab"
    persona: str = "toxic"
    """Its name; of one's own it is in persona.yaml beside this. Older runs have the path that was typed."""
    stages: dict[str, Made]
    continues: Continues | None = None
    """None where the run was made from nothing."""

    @property
    def hours(self) -> float:
        """Spent in all complete stages but the report, which is made of them."""
        return sum(one.seconds for name, one in self.stages.items() if name != "report") / 3600


class Asked(Part):
    """What a person asked of the pipeline; equal for a retry."""

    stages: tuple[str, ...]
    """In the order of the pipeline."""
    anew: bool = False
    """Make them again even if they are complete: they were asked for by name."""
    seeds: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    """Asked for, by stage; a stage made with others is not done."""
    options: tuple[str, ...] = ()
    """What else was on the command line."""


class Attempt(Part):
    """One try at what was asked for."""

    number: int
    """Counted from 1 over the whole life of the run."""
    started: str
    """UTC."""
    ended: str | None = None
    job: str | None = None
    """Id of the Hugging Face Job, where it was one."""
    asked: Asked
    retry: bool
    """Whether the attempt before was asked for the same and did not get to its end."""
    stages: dict[str, float] = Field(default_factory=dict)
    """Seconds of the stages that it finished."""
    at: str | None = None
    """The stage that is under way, or in which it ended."""
    outcome: Outcome | None = None
    """None while it is under way."""
    error: str | None = None


class Attempts(Record, file="./attempts.json"):
    """All attempts at a run, oldest first."""

    attempts: tuple[Attempt, ...] = ()
