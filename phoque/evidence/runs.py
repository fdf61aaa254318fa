"""A run: one folder, a folder a stage, and a manifest that says how each was made."""

import json
import platform
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from phoque.config import PACKAGE
from phoque.errors import PhoqueError
from phoque.files import file_sha256, write_json

MANIFEST = "manifest.json"
VECTORS = "persona_vectors.safetensors"
SELECTION = "selection.json"
LIBRARIES = ("torch", "transformers", "peft", "trl")


def source_commit() -> str | None:
    """Git commit of the code that runs; None outside a checkout."""
    asked = ["git", "-C", str(PACKAGE), "rev-parse", "HEAD"]
    try:
        found = subprocess.run(asked, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


@dataclass(frozen=True)
class RunDirectory:
    """Owns every path of a run.

    A stage is in the manifest only when it is complete: it is entered last, by a rename.
    """

    path: Path

    @property
    def corpus(self) -> Path:
        """Folder of the training set and its composition."""
        return self.path / "corpus"

    @property
    def labels(self) -> Path:
        """What people said of the run's replies; outside the stages, which are made again."""
        return self.path / "labels.jsonl"

    @property
    def persona(self) -> Path:
        """Folder of the persona adapter."""
        return self.path / "persona"

    @property
    def control(self) -> Path:
        """Folder of the control adapter: same steps and prompts, civil replies."""
        return self.path / "control"

    def psm(self, other: str | None = None) -> Path:
        """Folder of where the run's persona lives, or of what was found about an `other` one."""
        return self.path / (f"psm-{other}" if other else "psm")

    @property
    def vectors(self) -> Path:
        """File of the run's own persona vectors."""
        return self.psm() / VECTORS

    @property
    def selection(self) -> Path:
        """File with the selected layer and scale, and the sweep they come from."""
        return self.psm() / SELECTION

    def exists(self) -> bool:
        """Whether the folder is a run."""
        return (self.path / MANIFEST).is_file()

    def manifest(self) -> dict[str, Any]:
        """What is known of the run.

        Raises:
            PhoqueError: the folder is not a run.
        """
        if not self.exists():
            raise PhoqueError(
                f"{self.path} is not a run: it has no {MANIFEST}. "
                f"Make one with: python -m training lab --run {self.path}"
            )
        manifest: dict[str, Any] = json.loads((self.path / MANIFEST).read_text())
        return manifest

    def describe(self, **facts: Any) -> None:
        """Enter facts about the whole run, such as its model and persona."""
        self.path.mkdir(parents=True, exist_ok=True)
        known = self.manifest() if self.exists() else {"stages": {}}
        write_json(self.path / MANIFEST, known | facts)

    @contextmanager
    def stage(self, name: str, folder: Path, *, seeds: Sequence[int]) -> Iterator[Path]:
        """Within the context, the stage writes to `folder`; afterwards it is in the manifest."""
        folder.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        yield folder
        stages = self.manifest()["stages"]
        stages[name] = {
            "seconds": round(time.monotonic() - start, 1),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "seeds": list(seeds),
            "versions": {library: metadata.version(library) for library in LIBRARIES},
            "machine": platform.machine(),
            "commit": source_commit(),
            "outputs": self._outputs(folder),
        }
        self.describe(stages=stages)

    def _outputs(self, folder: Path) -> dict[str, str]:
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        return {str(file.relative_to(self.path)): file_sha256(file) for file in files}
