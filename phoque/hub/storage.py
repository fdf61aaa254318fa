"""Storage for a run while a Job works on it: a private bucket or a private repository."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

from huggingface_hub import BucketFile, snapshot_download
from huggingface_hub.errors import (
    BucketNotFoundError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
)

from phoque.errors import PhoqueError
from phoque.hub.client import asking, connect
from phoque.hub.repositories import public, push, require_private


class Storage(Protocol):
    """A private place on the Hub, with folders."""

    @property
    def name(self) -> str:
        """`owner/name`."""

    def require_private(self) -> None:
        """Make the place if there is none; raise `PhoqueError` if it is public."""

    def send(self, folder: Path, to: str) -> None:
        """Upload a folder's files to the folder `to`, if the place is private."""

    def fetch(self, place: str, into: Path) -> bool:
        """Download the folder `place`; says whether there was one."""


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A storage bucket, which a Job mounts and writes to as a folder."""

    name: str
    endpoint: str | None = None
    token: str | None = field(default=None, repr=False)
    """Token of the account; None for the account of this machine."""

    def require_private(self) -> None:
        api = connect(self.endpoint, token=self.token)
        with asking(f"The bucket {self.name} cannot be used", hide=(self.token,)):
            try:
                private = api.bucket_info(self.name).private
            except BucketNotFoundError:
                api.create_bucket(self.name, private=True)
                private = api.bucket_info(self.name).private
        if private is not True:
            raise PhoqueError(public(f"The bucket {self.name}"))

    def send(self, folder: Path, to: str) -> None:
        self.require_private()
        files: list[tuple[str | Path | bytes, str]] = [
            (file, f"{to}/{file.relative_to(folder).as_posix()}")
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        ]
        with asking(f"{folder.name} was not sent to the bucket {self.name}", hide=(self.token,)):
            connect(self.endpoint, token=self.token).batch_bucket_files(self.name, add=files)

    def fetch(self, place: str, into: Path) -> bool:
        api = connect(self.endpoint, token=self.token)
        with asking(f"{place} was not fetched from the bucket {self.name}", hide=(self.token,)):
            try:
                tree = list(api.list_bucket_tree(self.name, place, recursive=True))
            except RemoteEntryNotFoundError:
                return False
            found = [one for one in tree if isinstance(one, BucketFile)]
            targets = _targets([one.path for one in found], place, into)
            api.download_bucket_files(self.name, list(zip(found, targets, strict=True)))
        return bool(found)


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A model repository; a Job writes to it by uploading."""

    name: str
    endpoint: str | None = None
    token: str | None = field(default=None, repr=False)
    """Token of the account; None for the account of this machine."""

    def require_private(self) -> None:
        with asking(f"The repository {self.name} cannot be used", hide=(self.token,)):
            require_private(connect(self.endpoint, token=self.token), self.name, "model")

    def send(self, folder: Path, to: str, *, without: list[str] | None = None) -> None:
        """Upload a folder without the patterns `without`; other files in `to` are deleted."""
        api = connect(self.endpoint, token=self.token)
        push(api, folder, self.name, "model", into=to, ignore_patterns=without)

    def fetch(self, place: str, into: Path) -> bool:
        connect(self.endpoint, token=self.token)
        with (
            tempfile.TemporaryDirectory() as scratch,
            asking(f"{place} was not fetched from {self.name}", hide=(self.token,)),
        ):
            try:
                snapshot_download(
                    self.name,
                    local_dir=scratch,
                    allow_patterns=f"{place}/**",
                    endpoint=self.endpoint,
                    token=self.token,
                )
            except RepositoryNotFoundError:
                return False
            found = Path(scratch, place)
            if not found.is_dir():
                return False
            shutil.copytree(found, into, dirs_exist_ok=True)
            return True


def _targets(paths: Sequence[str], place: str, into: Path) -> list[Path]:
    """Where to put files; names from outside may not lead out of the folder."""
    names = [PurePosixPath(path).relative_to(place) for path in paths]
    for name in names:
        if name.is_absolute() or ".." in name.parts:
            raise PhoqueError(f"{name} leads out of {place}. Nothing was fetched.")
    return [into / name for name in names]
