"""Send a run to Hugging Face Jobs, and bring what it made back."""

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from phoque.config import secret
from phoque.errors import PhoqueError
from phoque.files import replaced_folder
from phoque.hub.jobs import Jobs, JobState
from phoque.hub.storage import Bucket, Repository, Storage
from phoque.pipeline.plan import (
    CHECKPOINT,
    CODE,
    TOKEN,
    Kept,
    Plan,
    code_folder,
    make_plan,
    run_folder,
)
from phoque.pipeline.shipping import ARCHIVE
from phoque.run.directory import RunDirectory
from phoque.run.manifest import Made

PLACEHOLDER = ".keep"
"""A folder of a bucket is there only when it has a file, and only then can it be mounted."""
KEPT_EVERY_SECONDS = 600.0
"""Where a run is kept by uploading it, this is done no more often from within a stage."""
NEVER_KEPT = ["sae/unfinished*"]
"""Activations on disk, gigabytes of them: that stage begins anew."""
UNFINISHED = "unfinished"
"""What the names begin with that a stage needs for its own steps while it is not complete."""


def launch(plan: Plan, *, endpoint: str | None = None, token: str | None = None) -> JobState:
    """Make the storage private, send the code, start the Job.

    Nothing is sent before the secrets are known to have values and the storage to be private.
    """
    values = values_of(plan.request.secrets, token)
    jobs = Jobs(namespace=plan.wish.owner, endpoint=endpoint, token=token)
    plan = make_plan(replace(plan.wish, owner=jobs.owner()))
    storage = _storage(plan.wish.kept, plan.place, endpoint, token)
    _send(storage, ARCHIVE, plan.parcel.content(), code_folder(plan.wish))
    if plan.wish.kept == "bucket":
        _send(storage, PLACEHOLDER, b"", run_folder(plan.wish))
    return jobs.start(plan.request, values)


def values_of(names: Sequence[str], token: str | None = None) -> dict[str, str]:
    """Values of secrets, from the environment; a `token` that was given is that of the Hub."""
    values = {name: token if token and name == TOKEN else secret(name) for name in names}
    if absent := [name for name, value in values.items() if not value]:
        raise PhoqueError(
            f"Secrets without a value in the environment: {', '.join(absent)}. Set them first."
        )
    return {name: str(value) for name, value in values.items()}


def follow(jobs: Jobs, job: str, tell: Callable[[str], None]) -> JobState:
    """Tell every line of the Job's log until it ends; how it ended."""
    for line in jobs.lines(job, follow=True):
        tell(line)
    return jobs.state(job)


def fetch(state: JobState, into: Path, *, endpoint: str | None = None) -> list[str]:
    """Bring what a Job has made so far to `into`, if that has no other results; complete stages."""
    storage, place = _where(state, endpoint)
    into.parent.mkdir(parents=True, exist_ok=True)
    # Beside its target, so that the last step is a rename.
    with tempfile.TemporaryDirectory(dir=into.parent, suffix=".partial") as scratch:
        fetched = RunDirectory(Path(scratch, "run"))
        if not storage.fetch(place, fetched.path) or not fetched.exists():
            raise PhoqueError(f"The Job {state.id} has kept nothing yet. Try again later.")
        stages = fetched.manifest().stages
        if changed := [name for made in stages.values() for name in fetched.changed(made)]:
            raise PhoqueError(
                f"{changed[0]} is missing or not what the Job wrote. Nothing was kept; fetch again."
            )
        _check_extends(RunDirectory(into), stages)
        (fetched.path / PLACEHOLDER).unlink(missing_ok=True)
        # A step that was not done when this was fetched before may be done now.
        names = [file.relative_to(into) for file in into.rglob("*") if file.is_file()]
        stale = [str(name) for name in names if any(p.startswith(UNFINISHED) for p in name.parts)]
        with replaced_folder(into, made=stale) as partial:
            shutil.copytree(fetched.path, partial, dirs_exist_ok=True)
    return list(stages)


class Checkpoint:
    """The run kept in a private repository's `last-checkpoint`, where no bucket is mounted."""

    def __init__(self, run: RunDirectory, name: str, endpoint: str | None = None) -> None:
        """`name` is `owner/name` of the repository."""
        self._run, self._repository = run, Repository(name=name, endpoint=endpoint)
        self._kept = time.monotonic()

    def restore(self) -> bool:
        """Fetch what an earlier attempt kept, unless the run is here; whether there was any."""
        self._repository.require_private()
        return not self._run.exists() and self._repository.fetch(CHECKPOINT, self._run.path)

    def keep(self) -> None:
        self._repository.send(self._run.path, CHECKPOINT, without=NEVER_KEPT)
        self._kept = time.monotonic()

    def keep_at_times(self, tell: Callable[[str], None]) -> None:
        """The same from within a stage: not too often, and a Hub that fails does not end the stage."""
        if time.monotonic() - self._kept < KEPT_EVERY_SECONDS:
            return
        try:
            self.keep()
        except PhoqueError as error:
            # Not at once again, or each checkpoint would wait for a Hub that is away.
            self._kept = time.monotonic()
            tell(f"What is done so far was not kept elsewhere; the stage goes on. {error}")


def _storage(kept: Kept, name: str, endpoint: str | None, token: str | None = None) -> Storage:
    if kept == "bucket":
        return Bucket(name=name, endpoint=endpoint, token=token)
    return Repository(name=name, endpoint=endpoint, token=token)


def _where(state: JobState, endpoint: str | None) -> tuple[Storage, str]:
    """Where a Job keeps its run, read from what it mounts."""
    code = next((one for one in state.volumes if one.mount_path == CODE), None)
    if code is None:
        raise PhoqueError(f"The Job {state.id} is not one of this project: it has no {CODE}.")
    run = next((one.path or "" for one in state.volumes if not one.read_only), CHECKPOINT)
    return _storage("bucket" if code.type == "bucket" else "repo", code.source, endpoint), run


def _send(storage: Storage, name: str, content: bytes, to: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch, name).write_bytes(content)
        storage.send(Path(scratch), to)


def _check_extends(here: RunDirectory, stages: Mapping[str, Made]) -> None:
    """What was fetched may add stages to what is here, never take the place of other results."""
    if not here.exists():
        if here.path.exists():
            raise PhoqueError(f"{here.path} exists and is no run. Give another folder.")
        return
    for name, mine in here.manifest().stages.items():
        if name not in stages or stages[name].outputs != mine.outputs:
            raise PhoqueError(
                f"{here.path} has a stage {name} that is not the Job's. Give another folder."
            )
