"""What a run says of itself: its model, its persona, and how each complete stage was made."""

from pydantic import ConfigDict, Field

from phoque.run.record import Part


class Made(Part):
    """How a stage was made."""

    model_config = ConfigDict(extra="allow")

    seconds: float = 0.0
    finished: str = ""
    """ISO 8601, UTC."""
    seeds: tuple[int, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)
    """Of libraries."""
    machine: str = ""
    commit: str | None = None
    """Git commit of the code; None where nobody knew it."""
    outputs: dict[str, str] = Field(default_factory=dict)
    """SHA-256 by the file's path in the run."""
    quantize: str | None = None
    """Bits of the weights that an adapter was trained on; None: as they are."""
    again: bool = False
    """It is to be made again."""


class Manifest(Part):
    """The content of `manifest.json`; keys of other versions are kept."""

    model_config = ConfigDict(extra="allow")

    stages: dict[str, Made]
    """A stage is here only when it is complete."""
    model: str = ""
    persona: str = ""
