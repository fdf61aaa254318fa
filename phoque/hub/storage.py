"""Private places on the Hub: made private, asked again before anything is sent, refused otherwise."""

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal

from huggingface_hub import BucketFile
from huggingface_hub.errors import (
    BucketNotFoundError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
)

from phoque.errors import PhoqueError
from phoque.hub.client import Account


@dataclass(frozen=True, kw_only=True)
class Storage(Account, ABC):
    """A private place on the Hub."""

    called: ClassVar[str]
    name: str
    """`owner/name`."""

    def require_private(self) -> None:
        """Make it where there is none; then it must say that it is private."""
        with self.asking(f"The {self.called} {self.name} cannot be used"):
            try:
                private = self._is_private()
            except (BucketNotFoundError, RepositoryNotFoundError):
                self._make()
                private = self._is_private()
        if private is not True:
            raise PhoqueError(
                f"The {self.called} {self.name} is public; what this project makes is kept private. "
                "Nothing was sent. Make it private in its settings, or choose another name."
            )

    def send(self, folder: Path, to: str, *, without: list[str] | None = None) -> str:
        """Upload a folder's files to the folder `to`, but those of some patterns; the address."""
        self.require_private()
        with self.asking(f"{folder.name} was not sent to the {self.called} {self.name}"):
            return self._sent(folder, to, without)

    def fetch(self, place: str, into: Path) -> bool:
        """Download the folder `place`, when there is one; whether there was."""
        with self.asking(f"{place} was not fetched from the {self.called} {self.name}"):
            return self._fetched(place, into)

    @abstractmethod
    def _is_private(self) -> Any: ...

    @abstractmethod
    def _make(self) -> None: ...

    @abstractmethod
    def _sent(self, folder: Path, to: str, without: list[str] | None) -> str: ...

    @abstractmethod
    def _fetched(self, place: str, into: Path) -> bool: ...


class Bucket(Storage):
    """A storage bucket, which a Job mounts and writes to as a folder."""

    called = "bucket"

    def _is_private(self) -> Any:
        return self.api.bucket_info(self.name).private

    def _make(self) -> None:
        self.api.create_bucket(self.name, private=True)

    def _sent(self, folder: Path, to: str, without: list[str] | None) -> str:
        assert without is None, "a bucket gets all files"
        files: list[tuple[str | Path | bytes, str]] = [
            (file, f"{to}/{file.relative_to(folder).as_posix()}")
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        ]
        self.api.batch_bucket_files(self.name, add=files)
        return self.name

    def _fetched(self, place: str, into: Path) -> bool:
        try:
            tree = list(self.api.list_bucket_tree(self.name, place, recursive=True))
        except RemoteEntryNotFoundError:
            return False
        found = [one for one in tree if isinstance(one, BucketFile)]
        targets = _targets([one.path for one in found], place, into)
        self.api.download_bucket_files(self.name, list(zip(found, targets, strict=True)))
        return bool(found)


@dataclass(frozen=True, kw_only=True)
class Repository(Storage):
    """A repository; a Job writes to it by uploading."""

    called = "repository"
    kind: Literal["dataset", "model"] = "model"

    def _is_private(self) -> Any:
        return self.api.repo_info(self.name, repo_type=self.kind).private

    def _make(self) -> None:
        self.api.create_repo(self.name, repo_type=self.kind, private=True)

    def _sent(self, folder: Path, to: str, without: list[str] | None) -> str:
        sent = self.api.upload_folder(
            folder_path=folder,
            path_in_repo=to,
            repo_id=self.name,
            repo_type=self.kind,
            commit_message=f"Add {to or folder.name}",
            # What the repository has in that folder and was not sent is deleted; in its root nothing is.
            delete_patterns="*" if to else None,
            ignore_patterns=without,
        )
        return str(sent.commit_url)

    def _fetched(self, place: str, into: Path) -> bool:
        with tempfile.TemporaryDirectory() as scratch:
            try:
                self.api.snapshot_download(
                    self.name, local_dir=scratch, allow_patterns=f"{place}/**"
                )
            except RepositoryNotFoundError:
                return False
            found = Path(scratch, place)
            if found.is_dir():
                shutil.copytree(found, into, dirs_exist_ok=True)
            return found.is_dir()


def _targets(paths: Sequence[str], place: str, into: Path) -> list[Path]:
    """Where to put files; names from outside may not lead out of the folder."""
    names = [PurePosixPath(path).relative_to(place) for path in paths]
    for name in names:
        if name.is_absolute() or ".." in name.parts:
            raise PhoqueError(f"{name} leads out of {place}. Nothing was fetched.")
    return [into / name for name in names]
