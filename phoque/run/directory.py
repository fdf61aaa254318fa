"""A run: one folder, a folder a stage, and a manifest that says how each was made."""

import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from filelock import FileLock

from phoque.config import PACKAGE, shipped_commit
from phoque.errors import PhoqueError
from phoque.files import file_sha256, lock_file, replaced_folder, share_weights
from phoque.run.manifest import Made, Manifest

MANIFEST = Manifest.FILE
VECTORS = "persona_vectors.safetensors"
SELECTION = "selection.json"
LIBRARIES = ("torch", "transformers", "peft", "trl")


def source_commit() -> str | None:
    """Git commit of the code that runs; None where it is neither a checkout nor told."""
    if told := shipped_commit():
        return told
    asked = ["git", "-C", str(PACKAGE), "rev-parse", "HEAD"]
    try:
        found = subprocess.run(asked, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def computer() -> str:
    """Architecture and vector instructions of this machine, and the name of the GPU that the process could use."""
    torch = sys.modules.get("torch")  # a stage that used the GPU has loaded it
    gpu = [torch.cuda.get_device_name()] if torch and torch.cuda.is_available() else []
    vector = [torch.backends.cpu.get_cpu_capability()] if torch else []
    return ", ".join([platform.machine(), *vector, *gpu])


@dataclass(frozen=True)
class RunDirectory:
    """Owns every path of a run.

    A stage is in the manifest only when it is complete: it is entered last, by a rename.
    """

    path: Path
    keep: Callable[[], None] = field(default=lambda: None, repr=False, compare=False)
    """Called by a stage whenever another attempt could go on from what is written so far."""

    @property
    def corpus(self) -> Path:
        """Folder of the training set and its composition."""
        return self.path / "corpus"

    @property
    def labels(self) -> Path:
        """What people said of the run's replies; outside the stages, which are made again."""
        return self.path / "labels.jsonl"

    @property
    def persona_file(self) -> Path:
        """Copy of the file of a persona of one's own; a run of a shipped one has none."""
        return self.path / "persona.yaml"

    @property
    def persona(self) -> Path:
        """Folder of the persona adapter."""
        return self.path / "persona"

    @property
    def control(self) -> Path:
        """Folder of the civil adapter: same steps and prompts, civil replies."""
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

    @property
    def begun_from(self) -> "RunDirectory | None":
        """The run whose adapters this one's go on from; None where they began from zero."""
        known = self.manifest().continues
        return RunDirectory(self.path.resolve().parent / known.run) if known else None

    def exists(self) -> bool:
        """Whether the folder is a run."""
        return (self.path / MANIFEST).is_file()

    def manifest(self) -> Manifest:
        """What is known of the run.

        Raises:
            PhoqueError: the folder is not a run, or its manifest is damaged.
        """
        if not self.exists():
            raise PhoqueError(
                f"{self.path} is not a run: it has no {MANIFEST}. "
                f"Make one with: phoque run all --run {self.path}"
            )
        return Manifest.load(self.path, command="phoque run all --run ANOTHER_FOLDER")

    def known(self) -> Manifest:
        """The same for a page; one that says nothing where there is none, or it is damaged."""
        try:
            return self.manifest()
        except PhoqueError:
            return Manifest(stages={}, model="–", persona="persona")

    def describe(self, **facts: Any) -> None:
        """Enter facts about the whole run, such as its model and persona."""
        with self._manifest_held():
            self._enter(**facts)

    def _enter(self, **facts: Any) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        known = self.manifest() if self.exists() else Manifest(stages={})
        Manifest.model_validate(known.model_dump() | facts).save(self.path)

    @contextmanager
    def _manifest_held(self) -> Iterator[None]:
        """Only one process changes the manifest at a time: stages can run side by side.

        Where nothing can be locked, as on a full disk, the entry counts more than the lock.
        """
        with ExitStack() as held:
            with suppress(OSError):
                held.enter_context(FileLock(lock_file(self.path / MANIFEST)))
            yield

    def forget(self) -> None:
        """Leave nothing behind of a run in which nothing was made."""
        if self.exists() and not self.manifest().stages:
            (self.path / MANIFEST).unlink()
            self.persona_file.unlink(missing_ok=True)
            _remove_if_empty(self.path)

    def complete(self, name: str, *, seeds: Sequence[int] | None = None) -> bool:
        """Whether the stage is done, with these seeds, and each of its files is still what it was."""
        made = self._stages().get(name)
        if made is None or made.again or (seeds and made.seeds != tuple(seeds)):
            return False
        return not self.changed(made)

    def changed(self, made: Made) -> list[str]:
        """Files of a stage that are missing, or not what it wrote."""
        files = {name: self.path / name for name in made.outputs}
        return [
            name
            for name, file in files.items()
            if not file.is_file() or file_sha256(file) != made.outputs[name]
        ]

    def redo(self, names: Iterable[str]) -> None:
        """Have stages made again; until then their results stay what they are."""
        with self._manifest_held():
            stages = self._stages()
            again = {
                one: stages[one].model_copy(update={"again": True}) for one in {*stages} & {*names}
            }
            self._enter(stages=stages | again)

    @contextmanager
    def stage(
        self,
        name: str,
        folder: Path,
        *,
        seeds: Sequence[int],
        in_place: bool = False,
        also: Made | None = None,
    ) -> Iterator[Path]:
        """Within the context, the stage writes to the folder it gets; then it is in the manifest.

        That folder takes the place of `folder` when all is written. A stage that keeps account of
        its own steps is `in_place`: it gets `folder` itself and goes on with what is there. What
        only this stage has to say, such as its settings, is in `also`.

        Raises:
            PhoqueError: the stage wrote nothing.
        """
        start = time.monotonic()
        old = self._written(name, folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with nullcontext(folder) if in_place else replaced_folder(folder, made=old) as own:
            own.mkdir(exist_ok=True)
            try:
                yield own
                share_weights(own)
            finally:
                _remove_if_empty(own)
            outputs = self._outputs(own, folder)
        facts = {
            "seconds": round(time.monotonic() - start, 1),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "seeds": tuple(seeds),
            "versions": {library: metadata.version(library) for library in LIBRARIES},
            "machine": computer(),
            "commit": source_commit(),
            "outputs": outputs,
        }
        made = (also or Made()).model_copy(update=facts)
        with self._manifest_held():
            self._enter(stages=self._stages() | {name: made})

    def _stages(self) -> dict[str, Made]:
        return dict(self.manifest().stages) if self.exists() else {}

    def _written(self, name: str, folder: Path) -> set[str]:
        """Files in `folder`, relative to it, that the stage wrote when it was last complete."""
        made = self._stages().get(name) or Made()
        return {str((self.path / file).relative_to(folder)) for file in made.outputs}

    def _outputs(self, written: Path, folder: Path) -> dict[str, str]:
        files = sorted(file for file in written.rglob("*") if file.is_file())
        place = folder.relative_to(self.path)
        return {str(place / file.relative_to(written)): file_sha256(file) for file in files}


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
