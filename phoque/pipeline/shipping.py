"""The project's own code as one file, with what a run reads from outside, for another machine."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from phoque.config import PACKAGE
from phoque.errors import PhoqueError
from phoque.moderators.registry import CATALOGUE, SERVICES
from phoque.personas import names_file

ROOT = PACKAGE.parent
ARCHIVE = "code.tar.gz"
INPUTS = "inputs"
FOLDERS = ("phoque", "training")
REQUIREMENTS = ("requirements.txt", "requirements-train.txt", "requirements-gpu.txt")
PATHS = ("--checkpoints", "--hatecheck", "--slang", "--surge", "--take", "--text")
"""Options whose value is nothing but a path."""
FILES = ("pyproject.toml", "README.md", "LICENSE", *REQUIREMENTS)


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """Files by their name in the archive."""

    files: Mapping[str, Path]

    @property
    def inputs(self) -> list[Path]:
        """What options named."""
        return [file for name, file in self.files.items() if name.startswith(f"{INPUTS}/")]

    def content(self) -> bytes:
        """A gzipped tar; the same files give the same bytes."""
        raw = io.BytesIO()
        with (
            gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for name, file in sorted(self.files.items()):
                entry = tarfile.TarInfo(name)
                entry.size = file.stat().st_size
                with file.open("rb") as opened:
                    archive.addfile(entry, opened)
        return raw.getvalue()

    def summary(self) -> str:
        """Number of files, size and fingerprint."""
        content = self.content()
        digest = hashlib.sha256(content).hexdigest()[:16]
        return f"{ARCHIVE}: {len(self.files)} files, {len(content) / 1e6:.1f} MB, sha256 {digest}…"


def pack(options: Sequence[str]) -> tuple[Parcel, tuple[str, ...]]:
    """The code and every file or folder that the options name; the options as they are there."""
    files = dict(_sources())
    there: list[str] = []
    option = ""
    for word in options:
        option, path = (word, "") if word.startswith("--") else (option, _path(option, word))
        target = path
        if path and Path(path).exists():
            target = f"{INPUTS}/{len(there)}-{Path(path).name}"
            files |= dict(_below(Path(path), target))
        there.append(word.removesuffix(path) + target)
    return Parcel(files=files), tuple(there)


def _path(option: str, word: str) -> str:
    """What of a value is a path: a name stays one, whatever else is called so in this folder."""
    if option == "--source":
        return word.partition("=")[2]
    if option == "--persona":
        return word if names_file(word) else ""
    if option == "--classifier":
        return "" if word in CATALOGUE or word in SERVICES else word
    return word if option in PATHS else ""


def _sources() -> Iterator[tuple[str, Path]]:
    for name in FOLDERS:
        yield from _below(ROOT / name, name)
    for name in FILES:
        if not (ROOT / name).is_file():
            raise PhoqueError(
                f"The code cannot be sent: {name} is missing beside it. Start Jobs from a checkout "
                "of the project."
            )
        yield name, ROOT / name


def _below(path: Path, name: str) -> Iterator[tuple[str, Path]]:
    if path.is_file():
        yield name, path
        return
    for file in path.rglob("*"):
        inner = file.relative_to(path)
        hidden = any(part.startswith(".") or part == "__pycache__" for part in inner.parts)
        if file.is_file() and not hidden:
            yield f"{name}/{inner.as_posix()}", file
