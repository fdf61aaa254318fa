"""Settings of the machine and of the app; the only reader of the environment."""

import logging
import os
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from phoque.errors import PhoqueError

PACKAGE = Path(__file__).parent
_CHECKOUT = PACKAGE.parent / "assets" / "runs"
SHIPPED_RUNS = _CHECKOUT if _CHECKOUT.is_dir() else PACKAGE / "shipped_runs"
"""The runs that come with the project: in a checkout, or inside an installed package."""
SHIPPED_RUN = SHIPPED_RUNS / "lab"
"""The run that `open_lab()` opens."""
LARGEST_PORT = 65535
TEMPORARY = Path(os.sep, "tmp")
"""Where temporary files lie if nobody says otherwise and Python finds no folder, as on a full disk."""
LABELLED_DATA = PACKAGE.parent.parent / "shared" / "data"
"""Folder beside the project for labelled test sets, which are never part of it."""


def ships(run: Path) -> bool:
    """Whether a run comes with the project: its files are signed, and stay as they are."""
    return run.resolve().is_relative_to(SHIPPED_RUNS.resolve())


@dataclass(frozen=True, kw_only=True)
class AppSettings:
    """Settings of the Space."""

    run: str | None
    """Folder of the run to show (`PHOQUE_RUN`); None is the shipped run."""
    model: str | None
    """Preset, Hub id or folder (`PHOQUE_MODEL`); None is what the run was made with."""
    host: str
    port: int
    zero_gpu: bool
    """Whether this is a ZeroGPU Space, where a GPU is lent for one call."""


def app_settings() -> AppSettings:
    """Read the app's settings; Gradio's own variables say where to listen.

    Raises `PhoqueError` if the port is none.
    """
    return AppSettings(
        run=os.environ.get("PHOQUE_RUN") or None,
        model=os.environ.get("PHOQUE_MODEL") or None,
        host=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"),
        port=_number("GRADIO_SERVER_PORT", 7860, f"a port from 1 to {LARGEST_PORT}", LARGEST_PORT),
        zero_gpu=os.environ.get("SPACES_ZERO_GPU", "").lower() in {"1", "true"},
    )


@dataclass(frozen=True, kw_only=True)
class ServingSettings:
    """Settings of the chat API."""

    tokens: tuple[str, ...] = field(repr=False)
    """Bearer tokens (`PHOQUE_API_TOKENS`, separated by commas or blanks); without one there is no API."""
    requests_per_minute: int
    """Requests of one token (`PHOQUE_API_REQUESTS_PER_MINUTE`)."""
    most_rows: int = 32
    """Replies written at a time (`PHOQUE_API_ROWS`); with 1 each request runs alone."""
    most_waiting: int = 64
    """Requests that may wait; more are refused."""


def serving_settings() -> ServingSettings:
    """Read the chat API's settings; raises `PhoqueError` if a number is not valid."""
    tokens = os.environ.get("PHOQUE_API_TOKENS", "").replace(",", " ").split()
    return ServingSettings(
        tokens=tuple(tokens),
        requests_per_minute=_number("PHOQUE_API_REQUESTS_PER_MINUTE", 120),
        most_rows=_number("PHOQUE_API_ROWS", 32),
    )


def _number(
    name: str, default: int, wanted: str = "a whole number of 1 or more", most: float = inf
) -> int:
    chosen = os.environ.get(name) or str(default)
    if not chosen.isdecimal() or not 0 < int(chosen) <= most:
        raise PhoqueError(f"{name} is {chosen!r}; give {wanted}, or unset it.")
    return int(chosen)


@dataclass(frozen=True, kw_only=True)
class Process:
    """One of the processes of a training, started by `accelerate launch` or torchrun."""

    rank: int
    """Place among all processes, from 0."""
    local_rank: int
    """Place among those on this machine, and the number of its GPU."""
    number: int
    """Number of processes."""
    sharded: bool = False
    """Whether each process holds a share of the weights only (FSDP)."""

    @property
    def first(self) -> bool:
        """Whether it is the process that writes to the run."""
        return self.rank == 0


def this_process() -> Process:
    """This process by `RANK`, `LOCAL_RANK`, `WORLD_SIZE`; without them it is the only one."""
    return Process(
        rank=int(os.environ.get("RANK", "0")),
        local_rank=int(os.environ.get("LOCAL_RANK", "0")),
        number=int(os.environ.get("WORLD_SIZE", "1")),
        sharded=os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true",
    )


CHILD = "PHOQUE_CHILD"
"""Set for a process that another one of ours has started, and that ends with it."""


def for_child(threads: int) -> dict[str, str]:
    """The environment of a child that computes with so many threads, from this very code.

    A chosen number of threads stays.
    """
    path = os.pathsep.join(filter(None, [str(PACKAGE.parent), os.environ.get("PYTHONPATH")]))
    ours = {"PYTHONPATH": path, "PYTHONSAFEPATH": "1", "PYTHONIOENCODING": "utf-8", CHILD: "1"}
    return {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"} | os.environ | ours


def is_child() -> bool:
    """Whether this process was started with the environment of a child; its own children are not."""
    return bool(os.environ.pop(CHILD, ""))


def cache_folder() -> Path:
    """Folder of converted models: `PHOQUE_CACHE`, or the user's cache folder, or a temporary one."""
    if chosen := secret("PHOQUE_CACHE"):
        return Path(chosen).expanduser()
    home = _home()
    own = os.environ.get("XDG_CACHE_HOME") or (home and home / ".cache")
    return Path(own) / "what-the-phoque" if own else _own_cache()


def _own_cache() -> Path:
    place = Path(os.environ.get("TMPDIR") or TEMPORARY)
    return own_folder(place, "what-the-phoque", otherwise="PHOQUE_CACHE")


def own_folder(place: Path, name: str, *, otherwise: str = "TMPDIR") -> Path:
    """A folder among temporary files that no other user of the machine can have filled.

    It is made where that is possible; `otherwise` is the variable that names another one.

    Raises:
        PhoqueError: somebody else has made it.
    """
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = place / f"{name}-{user}"
    with suppress(OSError):
        folder.mkdir(mode=0o700)
    if folder.is_symlink() or (folder.exists() and folder.stat().st_uid != user):
        raise PhoqueError(
            f"{folder} belongs to somebody else. Name a folder of your own with {otherwise}."
        )
    return folder


def _home() -> Path | None:
    """The user's folder; None for a user whom the machine does not know, as in many containers."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def fetches_wheels() -> bool:
    """Whether a missing wheel is fetched on first use: in a Space, where nobody can install it."""
    return "SPACE_ID" in os.environ


@dataclass(frozen=True, kw_only=True)
class SpaceLogin:
    """A Space in which visitors can log in."""

    owner: str
    """The Space's author (`SPACE_AUTHOR_NAME`)."""
    hosts: tuple[str, ...]
    """Hosts of its page (`SPACE_HOST`); requests from elsewhere are refused."""


def space_login() -> SpaceLogin | None:
    """The Space in which this runs, if it has `hf_oauth: true`."""
    space = ("SPACE_ID", "SPACE_AUTHOR_NAME", "SPACE_HOST")
    oauth = ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL")
    names = (*space, *oauth)
    if os.environ.get("SYSTEM") != "spaces" or not all(os.environ.get(name) for name in names):
        return None
    hosts = os.environ["SPACE_HOST"].split(",")
    return SpaceLogin(
        owner=os.environ["SPACE_AUTHOR_NAME"], hosts=tuple(host.strip() for host in hosts)
    )


def export_log_file() -> Path:
    """The log of exports: `PHOQUE_LEDGER`, or a file in the user's state folder.

    Raises:
        PhoqueError: this user has no folder.
    """
    if chosen := secret("PHOQUE_LEDGER"):
        return Path(chosen).expanduser()
    home = _home()
    state = os.environ.get("XDG_STATE_HOME") or (home and home / ".local" / "state")
    if not state:
        raise PhoqueError(
            "The log of exports has no place: this user has no home folder. Name a file with PHOQUE_LEDGER."
        )
    return Path(state) / "what-the-phoque" / "exports.jsonl"


def shipped_commit() -> str | None:
    """Git commit of code without its repository (`PHOQUE_COMMIT`)."""
    return secret("PHOQUE_COMMIT")


def job_id() -> str | None:
    """Id of the Hugging Face Job in which this runs (`JOB_ID`)."""
    return secret("JOB_ID")


def secret(name: str) -> str | None:
    """Value of a variable, such as a key, which is never shown; None where it is empty or not set."""
    return os.environ.get(name) or None


CHATTY = (
    "accelerate", "bitsandbytes", "datasets", "huggingface_hub", "peft", "torch", "transformers", "trl"
)  # fmt: skip
"""Libraries whose warnings no user can act on."""


def verbose() -> bool:
    """Whether libraries may show their bars and warnings (`PHOQUE_VERBOSE`)."""
    return bool(os.environ.get("PHOQUE_VERBOSE"))


def set_verbose(wanted: bool) -> None:  # noqa: FBT001  # it is the value itself
    """Apply `--verbose` to this process and those it starts; call it before importing libraries."""
    if wanted:
        os.environ["PHOQUE_VERBOSE"] = "1"
    if verbose():
        return
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    # These libraries set the level of their logger again when they are imported.
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    warnings.simplefilter("ignore")
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
