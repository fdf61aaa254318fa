"""Hugging Face Jobs: start one, ask it, read its log, cancel it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from huggingface_hub import JobInfo, JobStage
from huggingface_hub import Volume as Volume

from phoque.errors import PhoqueError
from phoque.hub.client import Account
from phoque.progress import span

FAILED = (JobStage.CANCELED, JobStage.ERROR, JobStage.DELETED)
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0a-\x1f\x7f-\x9f]")
"""What a line of a log may not do to a terminal."""


def told(volume: Volume) -> str:
    """A folder of the Hub that a Job sees as a folder of its own, in words."""
    mode = "read-only" if volume.read_only else "read and write"
    return f"{volume.type} {volume.source}, folder {volume.path}, at {volume.mount_path} ({mode})"


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """All that a Job is started with, but the values of its secrets."""

    name: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    secrets: tuple[str, ...]
    """Names."""
    flavor: str
    seconds: int
    """Time limit."""
    attempts: int
    volumes: tuple[Volume, ...]


@dataclass(frozen=True, kw_only=True)
class JobState:
    """What the Hub says of a Job."""

    id: str
    url: str
    name: str
    stage: str
    message: str
    flavor: str
    running_seconds: int
    volumes: tuple[Volume, ...]

    @property
    def told(self) -> str:
        """How it stands, in one line."""
        ran = f"ran {span(self.running_seconds)} on {self.flavor}"
        return " · ".join(filter(None, (self.stage, ran, self.message)))

    @property
    def failed(self) -> bool:
        """Whether it will not run again, and its command did not come to its end with status 0."""
        return self.stage in FAILED

    @property
    def succeeded(self) -> bool:
        """Whether its command came to its end with status 0."""
        return self.stage == JobStage.COMPLETED


@dataclass(frozen=True, kw_only=True)
class Jobs(Account):
    """The Jobs of one account."""

    namespace: str | None = None
    """User or organisation; None is whose token it is."""

    def start(self, request: JobRequest, values: Mapping[str, str]) -> JobState:
        """Start a Job; `values` are those of the secrets, which no message repeats."""
        failed = (
            f"The Job {request.name} was not started, as far as is known; look at your Jobs on the "
            "Hub before you start it again"
        )
        with self.asking(failed, *values.values()):
            info = self.api.run_job(
                name=request.name,
                image=request.image,
                command=list(request.command),
                env=dict(request.environment),
                secrets={name: values[name] for name in request.secrets},
                flavor=request.flavor,
                timeout=request.seconds,
                attempts=request.attempts,
                volumes=list(request.volumes),
                namespace=self.namespace,
            )
        return _state(info)

    def state(self, job: str) -> JobState:
        """What the Hub says of the Job now."""
        _require_id(job)
        with self.asking(f"The Job {job} could not be asked"):
            return _state(self.api.inspect_job(job_id=job, namespace=self.namespace))

    def lines(self, job: str, *, follow: bool) -> Iterator[str]:
        """Its log, line by line; `follow` stays until the Job ends, over dropped connections."""
        _require_id(job)
        advice = f"Its log was lost; read on with: phoque jobs logs {job}"
        with self.asking(f"The Job {job} may go on. {advice}"):
            logs = self.api.fetch_job_logs(job_id=job, follow=follow, namespace=self.namespace)
            for line in logs:
                yield CONTROL.sub("", line.rstrip())

    def cancel(self, job: str) -> None:
        """End the Job."""
        _require_id(job)
        with self.asking(f"The Job {job} was not cancelled"):
            self.api.cancel_job(job_id=job, namespace=self.namespace)

    def owner(self) -> str:
        """Whose Jobs they are."""
        return self.namespace or super().owner()


def _require_id(job: str) -> None:
    # It becomes part of an address.
    if not re.fullmatch(r"[A-Za-z0-9]+", job):
        raise PhoqueError(f"{job!r} is no id of a Job: it has letters and digits only.")


def _state(info: JobInfo) -> JobState:
    return JobState(
        id=info.id,
        url=info.url,
        name=(info.labels or {}).get("name", info.id),
        stage=str(getattr(info.status.stage, "value", info.status.stage)),
        message=CONTROL.sub("", info.status.message or ""),
        flavor=str(getattr(info.flavor, "value", info.flavor)),
        running_seconds=(info.durations.running_secs if info.durations else None) or 0,
        volumes=tuple(info.volumes or ()),
    )
