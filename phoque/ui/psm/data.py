"""A run's PSM folders as plain data. What is not there says which command makes it."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from phoque.config import PACKAGE, SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.evidence.runs import MANIFEST, SELECTION, RunDirectory
from phoque.files import read_json
from phoque.lexicon import Lexicon
from phoque.personas import load_persona

# The names that `phoque.psm` writes; it loads torch, so they are repeated here.
LAYERS, RELIABILITY = "activation_by_layer.json", "reliability.json"
SWEEP_REPLIES, CONTROLS = "sweep_replies.csv", "dose_response.json"
CONDITIONS, CONFOUNDS, ORIGIN = "conditions.json", "confounds.json", "origin.json"
GEOMETRY, ANTIDOTE, SCRUBBER = "geometry.json", "antidote.json", "scrubber.json"
GGUF = "persona_vector.gguf"
BIAS_LOOP, SUMMARY, UNFINISHED = "bias_loop.json", "summary.json", "unfinished.json"
TUNED_ONLY = (ORIGIN, GEOMETRY)
"""Needs the adapters of the run's own persona."""
OWN = "psm"
SHORT_COMMIT = 9

Shape = (KeyError, TypeError, IndexError, ValueError, AttributeError, ZeroDivisionError)
"""What reading a file of another shape than expected raises."""


@dataclass(frozen=True)
class PsmFolder:
    """One persona's results in one run."""

    run: RunDirectory
    name: str
    """Folder name: `psm` is the run's own persona, `psm-x` is persona x."""

    @property
    def path(self) -> Path:
        """Where the files are."""
        return self.run.path / self.name

    @property
    def is_own(self) -> bool:
        """Whether the run's model was tuned for this persona."""
        return self.name == OWN

    @property
    def persona(self) -> str:
        """Whose results these are."""
        own = self._manifest.get("persona", "persona")
        return str(own) if self.is_own else self.name.removeprefix(f"{OWN}-")

    @property
    def command(self) -> str:
        """What fills the folder."""
        other = "" if self.is_own else f" --persona {self.persona}"
        return f"python -m training psm --run {shown_path(self.run.path)}{other}"

    @property
    def is_shipped(self) -> bool:
        """Whether this comes with the project."""
        return self.run.path.resolve() == SHIPPED_RUN.resolve()

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

    @cached_property
    def _manifest(self) -> Mapping[str, Any]:
        return self.run.manifest() if self.run.exists() else {}

    @property
    def stage(self) -> Mapping[str, Any]:
        """What the manifest says of how the folder was made; empty while it is not complete."""
        found: Mapping[str, Any] = self._manifest.get("stages", {}).get(self.name, {})
        return found

    @property
    def stamp(self) -> tuple[tuple[str, int], ...]:
        """Changes when a file does."""
        files = sorted(self.path.glob("*")) if self.path.is_dir() else []
        files += [self.run.path / MANIFEST] if self.run.exists() else []
        return tuple((file.name, file.stat().st_mtime_ns) for file in files)

    def has(self, name: str) -> bool:
        """Whether a file is there."""
        return (self.path / name).is_file()

    def read(self, name: str) -> Any:
        """A JSON file of the folder.

        Raises:
            PhoqueError: it is missing or cannot be read; says what makes it.
        """
        if not self.has(name):
            raise PhoqueError(self.missing(name))
        try:
            return read_json(self.path / name)
        except (OSError, ValueError) as error:
            raise PhoqueError(self.broken(name, error)) from error

    def broken(self, name: str, error: Exception) -> str:
        """What is said of a file that this page cannot read."""
        kind = type(error).__name__
        return (
            f"{self.name}/{name} cannot be read here ({kind}: {error}). It may come from another "
            f"version. Make it again with: {self.command}"
        )

    def missing(self, name: str) -> str:
        """What is said of a file that is not there."""
        if name in TUNED_ONLY and not self.is_own:
            return (
                "Only for the run's own persona: this compares the model before and after tuning, "
                f"and no model was tuned for {self.persona}."
            )
        state = "The measurement has not got there yet" if self.is_unfinished else "Not measured"
        return f"{state}: {self.name}/{name} is missing. Fill it with: {self.command}"


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
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


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


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a figure comes from."""

    model: str
    run: str
    persona: str
    probes: str
    seeds: str
    commit: str
    finished: str


def provenance(folder: PsmFolder) -> Provenance:
    """What the run's files say of themselves; a dash where they do not."""
    summary = _known(folder, SUMMARY)
    stage = folder.stage
    seeds = summary.get("seeds", stage.get("seeds")) or ()
    return Provenance(
        model=str(summary.get("model") or _known(folder, SELECTION).get("model") or "–"),
        run=folder.run.path.name,
        persona=folder.persona,
        probes=str(summary.get("probe_count") or _known(folder, LAYERS).get("probes") or "–"),
        seeds=", ".join(map(str, seeds)) or "–",
        commit=str(stage.get("commit") or "")[:SHORT_COMMIT] or "not in the manifest yet",
        finished=str(stage.get("finished") or "not finished"),
    )


def _known(folder: PsmFolder, name: str) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = folder.read(name)
    except PhoqueError:
        return {}
    return found if isinstance(found, dict) else {}


def shown_path(path: Path) -> str:
    """A folder as a command in the project would name it, without the machine's own folders."""
    root = PACKAGE.parent.resolve()
    resolved = path.resolve()
    return str(resolved.relative_to(root)) if resolved.is_relative_to(root) else path.name
