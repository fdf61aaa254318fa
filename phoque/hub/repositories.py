"""Push to private repositories; a public one is refused before anything is sent."""

from pathlib import Path
from typing import Any, Literal

from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError

from phoque.errors import PhoqueError
from phoque.hub.client import asking, connect, token_of

Kind = Literal["dataset", "model"]


def push_private(
    folder: Path,
    name: str,
    kind: Kind,
    *,
    only: list[str] | None = None,
    endpoint: str | None = None,
) -> str:
    """Upload a folder to the root of a private repository; returns its address.

    The repository is made if there is none, and must say that it is private.

    Args:
        folder: its files are sent; no other file is removed.
        name: `owner/name`.
        kind: what the repository holds.
        only: shell patterns of the files to send; None for all.
        endpoint: another Hub than Hugging Face's.

    Raises:
        PhoqueError: the repository is public, or the Hub refused or could not be reached.
    """
    return push(connect(endpoint), folder, name, kind, allow_patterns=only)


def push(
    api: HfApi,
    folder: Path,
    name: str,
    kind: Kind,
    *,
    into: str = "",
    **patterns: list[str] | None,
) -> str:
    """Like `push_private`, with the account of `api`, into a folder of the repository.

    Args:
        api: the account.
        folder: its files are sent.
        name: `owner/name`.
        kind: what the repository holds.
        into: folder of the repository, in which all other files are deleted; empty for the root,
            where nothing is deleted.
        patterns: `allow_patterns` and `ignore_patterns` of `HfApi.upload_folder`.
    """
    with asking(f"{folder.name} was not pushed to {name}", hide=(token_of(api),)):
        require_private(api, name, kind)
        upload: Any = api.upload_folder  # its overloads know no patterns by name
        sent = upload(
            folder_path=folder,
            path_in_repo=into,
            repo_id=name,
            repo_type=kind,
            commit_message=f"Add {into or folder.name}",
            delete_patterns="*" if into else None,
            **patterns,
        )
    return str(sent.commit_url)


def require_private(api: HfApi, name: str, kind: Kind) -> None:
    """Make the repository if there is none; raise `PhoqueError` if it is public."""
    try:
        private = api.repo_info(name, repo_type=kind).private
    except RepositoryNotFoundError:
        api.create_repo(name, repo_type=kind, private=True)
        private = api.repo_info(name, repo_type=kind).private
    if private is not True:
        raise PhoqueError(public(f"The {kind} repository {name}"))


def public(what: str) -> str:
    """The error for a public repository or bucket."""
    return (
        f"{what} is public; what this project makes is kept private. Nothing was sent. Make it "
        "private in its settings, or choose another name."
    )
