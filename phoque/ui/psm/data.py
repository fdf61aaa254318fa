"""A run's PSM folders as plain data. What is not there says which command makes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from phoque.errors import PhoqueError
from phoque.inputs.tables import whole_table
from phoque.lexicon import Lexicon
from phoque.personas import load_persona
from phoque.run.directory import SELECTION, RunDirectory
from phoque.ui.folder import StageFolder, shown_path

# The names that `phoque.stages.psm` writes; it loads torch, so they are repeated here.
LAYERS, RELIABILITY = "activation_by_layer.json", "reliability.json"
SWEEP_REPLIES, CONTROLS = "sweep_replies.csv", "dose_response.json"
CONDITIONS, CONFOUNDS, ORIGIN = "conditions.json", "confounds.json", "origin.json"
GEOMETRY, ANTIDOTE, SCRUBBER = "geometry.json", "antidote.json", "scrubber.json"
GGUF = "persona_vector.gguf"
BIAS_LOOP, SUMMARY, UNFINISHED = "bias_loop.json", "summary.json", "unfinished.json"
TUNED_ONLY = (ORIGIN, GEOMETRY)
"""Needs the adapters of the run's own persona."""
OWN = "psm"


@dataclass(frozen=True)
class PsmFolder(StageFolder):
    """One persona's results: folder `psm` is the run's own persona, `psm-x` is persona x."""

    @property
    def is_own(self) -> bool:
        """Whether the run's model was tuned for this persona."""
        return self.name == OWN

    @property
    def persona(self) -> str:
        """Whose results these are."""
        own = self.manifest.get("persona", "persona")
        return str(own) if self.is_own else self.name.removeprefix(f"{OWN}-")

    @property
    def command(self) -> str:
        """What fills the folder."""
        other = "" if self.is_own else f" --persona {self.persona}"
        return f"python -m training psm --run {shown_path(self.run.path)}{other}"

    @property
    def is_unfinished(self) -> bool:
        """Whether the measurement still goes on, or was cut."""
        return self.has(UNFINISHED)

    @cached_property
    def lexicon(self) -> Lexicon:
        """The words that are counted; none where the persona is not known here."""
        try:
            return load_persona(self.persona).lexicon
        except PhoqueError:
            return Lexicon(())

    def missing(self, name: str) -> str:
        """What is said of a file that is not there."""
        if name in TUNED_ONLY and not self.is_own:
            return (
                "Only for the run's own persona: this compares the model before and after tuning, "
                f"and no model was tuned for {self.persona}."
            )
        return super().missing(name)

    def facts(self) -> dict[str, str]:
        """Where its numbers come from; a dash where nobody says."""
        summary = self.known(SUMMARY)
        seeds = summary.get("seeds", self.stage.get("seeds")) or ()
        return super().facts() | {
            "Model": str(summary.get("model") or self.known(SELECTION).get("model") or "–"),
            "Persona": self.persona,
            "Seeds": ", ".join(map(str, seeds)) or "–",
            "Probes": str(summary.get("probe_count") or self.known(LAYERS).get("probes") or "–"),
        }


def folders(run: RunDirectory) -> list[PsmFolder]:
    """The run's own persona first, then those that were measured besides."""
    others = sorted(path.name for path in run.path.glob(f"{OWN}-*") if path.is_dir())
    return [PsmFolder(run, name) for name in (OWN, *others)]


def folder_named(run: RunDirectory, name: object) -> PsmFolder:
    """One of `folders` by name; the own persona for a name that is not there."""
    return next((folder for folder in folders(run) if folder.name == name), PsmFolder(run, OWN))


def choice(folder: PsmFolder) -> tuple[dict[str, Any], bool]:
    """Layer and scale in use, and whether they beat chance.

    Raises:
        PhoqueError: there is no selection.
    """
    found = folder.read(SELECTION)
    chosen: dict[str, Any] = found["selected"] or found["default"]
    return chosen, found["selected"] is not None


@lru_cache(maxsize=4)
def _sweep_rows(path: Path, _changed: int) -> tuple[dict[str, str], ...]:
    with path.open("rb") as file:
        return tuple(whole_table(file, path.name))


def sweep_replies(folder: PsmFolder, layer: int, dose: float) -> Sequence[tuple[str, str]]:
    """Prompts and replies of one cell of the sweep.

    Raises:
        PhoqueError: the file is missing.
    """
    if not folder.has(SWEEP_REPLIES):
        raise PhoqueError(folder.missing(SWEEP_REPLIES))
    path = folder.path / SWEEP_REPLIES
    rows = _sweep_rows(path, path.stat().st_mtime_ns)
    return [
        (row["prompt"], row["reply"])
        for row in rows
        if int(row["layer"]) == layer and abs(float(row["dose"]) - dose) < 1e-9
    ]
