"""Records beside the stages' folders: how a run was made, and the attempts at it."""

from typing import Literal

from pydantic import ConfigDict, Field

from phoque.run.record import Part, Record

SHORT_COMMIT = 9
ROOT = "."
"""Stands for the run's own folder, in the place of a stage's."""
Outcome = Literal["complete", "stopped", "failed", "killed"]
"""How an attempt ends; one that could not say so was killed."""


class Taken(Part):
    """Where the files of a stage were made that this run did not make itself."""

    run: str
    """Name of the folder of the run that made them."""
    seconds: float = 0.0
    finished: str = ""
    """UTC."""
    machine: str = ""
    commit: str | None = None


class Made(Part):
    """How a complete stage was made; keys of other versions are kept."""

    model_config = ConfigDict(extra="allow")

    seconds: float = 0.0
    finished: str = ""
    """Time at which the stage was complete, UTC."""
    seeds: tuple[int, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)
    """Versions of the libraries, by name."""
    machine: str = ""
    commit: str | None = None
    """Git commit of the code."""
    outputs: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of every file, by its path in the run."""
    quantize: str | None = None
    """Format of the base weights while an adapter was trained, such as `4bit`; None for full precision."""
    settings: dict[str, str | bool | int | float] = Field(default_factory=dict)
    """How an adapter was trained; empty for other stages, and where it was not recorded."""
    again: bool = False
    """It is to be made again; until then its results stay what they are."""
    taken: Taken | None = None
    """Its files are copies: the rest of this entry is about the copying."""

    @property
    def code(self) -> str:
        """The commit that made the files, short, and from which run they were taken; empty where nobody says."""
        if self.taken is None:
            return (self.commit or "")[:SHORT_COMMIT]
        return f"{(self.taken.commit or '')[:SHORT_COMMIT]} (taken from {self.taken.run})".strip()


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
    """Number of texts in each attack corpus."""
    policies: dict[str, str]
    """SHA-256 of the file of each policy that was tested."""


class Manifest(Record, file="./manifest.json"):
    """What a run is about, and its complete stages in the order in which they were first made."""

    model_config = ConfigDict(extra="allow")

    model: str = "lab"
    persona: str = "toxic"
    """Its name; of one's own it is in persona.yaml beside this."""
    stages: dict[str, Made]
    continues: Continues | None = None
    """None where the run was made from nothing."""

    @property
    def hours(self) -> float:
        """Hours spent in all complete stages but `report`, which only reads the others."""
        return sum(one.seconds for name, one in self.stages.items() if name != "report") / 3600


class Asked(Part):
    """What a person asked of the pipeline; equal for a retry."""

    stages: tuple[str, ...]
    """Stages in the order of the pipeline."""
    anew: bool = False
    """Make them again even if they are complete: they were asked for by name."""
    seeds: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    """Seeds asked for, by stage; a stage made with other seeds is not done."""
    options: tuple[str, ...] = ()
    """What else was on the command line."""


class Attempt(Part):
    """One try at what was asked for."""

    number: int
    """Counted from 1 over the whole life of the run."""
    started: str
    """Time of the start, UTC."""
    ended: str | None = None
    job: str | None = None
    """Id of the Hugging Face Job, where it was one."""
    asked: Asked
    retry: bool
    """Whether the attempt before was asked for the same and did not get to its end."""
    stages: dict[str, float] = Field(default_factory=dict)
    """Seconds of each stage that the attempt finished."""
    at: str | None = None
    """The stage that is under way, or in which it ended."""
    outcome: Outcome | None = None
    """None while it is under way."""
    error: str | None = None


class Attempts(Record, file="./attempts.json"):
    """All attempts at a run, oldest first."""

    attempts: tuple[Attempt, ...] = ()
