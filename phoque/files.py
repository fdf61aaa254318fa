"""Read and write files that are either whole or absent."""

import gzip
import hashlib
import json
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from stat import S_IMODE
from typing import Any

from filelock import FileLock, Timeout

from phoque.config import TEMPORARY, own_folder
from phoque.errors import PhoqueError


def temporary_files() -> bool:
    """Whether there can be any; their folder has a name also where nothing can be written.

    Libraries ask for the name as they are imported, long before they write there, and Python finds no
    folder on a full disk.
    """
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        tempfile.tempdir = str(TEMPORARY)
        return False
    return True


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lock_file(path: Path) -> Path:
    """Where a lock on a path lies: not beside it, as a mounted bucket may not lock files.

    Processes of one user lock each other out; those of another user have locks of their own. PhoqueError where somebody else has made the folder of this user's locks.
    """
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    return own_folder(Path(tempfile.gettempdir()), "phoque-locks") / f"{digest}.lock"


@contextmanager
def alone(path: Path, busy: str) -> Iterator[None]:
    """Only this process works on a path; PhoqueError, which says `busy`, where another does."""
    try:
        held = FileLock(lock_file(path), timeout=0).acquire()
    except Timeout as error:
        raise PhoqueError(busy) from error
    with held:
        yield


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path: Path, data: Any, *, indent: int | None = 1) -> None:
    """Write JSON so that the file is whole or absent; without indent it is one line."""
    write_text(path, json.dumps(data, indent=indent, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text so that the file is whole or absent; packed where its name ends in `.gz`."""
    partial, data = path.with_suffix(f"{path.suffix}.partial"), text.encode()
    # No time in the header: the same text gives the same bytes.
    partial.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    partial.replace(path)


def share_weights(folder: Path) -> None:
    """Give weights the mode of the other files: safetensors writes them so that only the owner can read."""
    probe, weights = folder / "mode.partial", folder.rglob("*.safetensors")
    probe.touch()
    mode = S_IMODE(probe.stat().st_mode)
    probe.unlink()
    for file in weights:
        with suppress(OSError):  # where modes cannot be set, they say nothing
            if not file.is_symlink():
                file.chmod(mode)


@contextmanager
def replaced_folder(path: Path, *, made: Collection[str] | None = None) -> Iterator[Path]:
    """A folder to write to, which replaces `path` when all is written.

    Args:
        path: the folder to replace.
        made: its files, relative, that are replaced; others came from a person and stay. None for
            all files.

    A link is followed: what it points to is replaced.

    Raises:
        PhoqueError: nothing was written, another process writes the folder, or it is `.` or `..`; the
            old folder is unchanged.
    """
    path = _replaceable(path)
    partial, old = (path.with_name(f"{path.name}.{word}") for word in ("partial", "old.partial"))
    busy = f"Another process is writing {path}. Wait until it has ended, or choose another folder."
    with ExitStack() as held:
        with suppress(OSError):  # where nothing can be locked, the folder counts more than the lock
            held.enter_context(alone(partial, busy))
        shutil.rmtree(partial, ignore_errors=True)  # what a killed process left
        partial.mkdir(parents=True)
        if old.exists() and not path.exists():
            old.replace(path)
        shutil.rmtree(old, ignore_errors=True)
        try:
            yield partial
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        if not partial.is_dir() or not any(partial.iterdir()):
            raise PhoqueError(f"Nothing was written to {partial}; {path} is left as it was.")
        share_weights(partial)
        if made is not None:
            _bring_along(path, partial, made)
        if path.exists():
            path.replace(old)
        partial.replace(path)
        shutil.rmtree(old, ignore_errors=True)


def _replaceable(path: Path) -> Path:
    """The path itself, or where a link points."""
    if path.name in {"", ".."}:
        raise PhoqueError(
            f"{path} is where the command runs, or around it, and would be replaced. Name a folder "
            f"inside it, such as {path / 'report'}."
        )
    return path.resolve() if path.is_symlink() else path


def _bring_along(path: Path, partial: Path, made: Collection[str]) -> None:
    for file in path.rglob("*"):
        name = file.relative_to(path)
        if file.is_file() and str(name) not in made and not (partial / name).exists():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, partial / name)


def json_lines(path: Path) -> Iterator[Any]:
    """Every value of a JSON Lines file; raises as `numbered_json_lines`."""
    return (value for _, value in numbered_json_lines(path))


def numbered_json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Each line's number, from 1, and its value; only a line feed ends a line, as in JSON.

    Raises:
        PhoqueError: a line is not JSON in UTF-8.
    """
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                if line.strip():
                    yield number, json.loads(line)
            except ValueError as error:
                raise PhoqueError(f"{path.name}, line {number} is not JSON: {error}.") from error
