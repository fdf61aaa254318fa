"""The one room that speaks to the Hugging Face Hub: nothing that insults is ever made public."""

from pathlib import Path
from typing import Literal

from huggingface_hub import HfApi
from huggingface_hub.errors import HFValidationError, HTTPError, RepositoryNotFoundError

from phoque.errors import PhoqueError

Kind = Literal["dataset", "model"]


def push_private(folder: Path, name: str, kind: Kind, *, endpoint: str | None = None) -> str:
    """Upload a folder to a private repository, which is made where there is none; its address.

    The repository is asked whether it is private before anything is sent.

    Args:
        folder: every file in it is sent.
        name: `owner/name`.
        kind: what the repository holds.
        endpoint: another Hub than Hugging Face's.

    Raises:
        PhoqueError: the repository is public, or the Hub refused or could not be reached.
    """
    api = HfApi(endpoint=endpoint)
    try:
        _require_private(api, name, kind)
        sent = api.upload_folder(
            folder_path=folder, repo_id=name, repo_type=kind, commit_message=f"Add {folder.name}"
        )
    except (HTTPError, HFValidationError, OSError) as error:
        raise PhoqueError(
            f"{folder.name} was not pushed to {name}: {error} "
            "Check the name, the network and the token (hf auth login)."
        ) from error
    return str(sent.commit_url)


def _require_private(api: HfApi, name: str, kind: Kind) -> None:
    try:
        private = api.repo_info(name, repo_type=kind).private
    except RepositoryNotFoundError:
        api.create_repo(name, repo_type=kind, private=True)
        private = api.repo_info(name, repo_type=kind).private
    if private is not True:
        raise PhoqueError(
            f"The {kind} {name} is public; what this project makes is kept private. Nothing was "
            "sent. Make it private in its settings, or choose another name."
        )
