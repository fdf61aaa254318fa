"""What pages may ask of the library; a test passes a fake."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import phoque
from phoque.config import SHIPPED_RUN, AppSettings, serving_settings
from phoque.conversation import DEFAULT_SAMPLING, Condition, Delta, Messages, TokenStrength
from phoque.errors import PhoqueError
from phoque.progress import Stopped, never
from phoque.run.channel import Watched
from phoque.run.directory import RunDirectory
from phoque.run.info import lab_info
from phoque.run.showcase import Found
from phoque.stages.pressure.policy import Policy

DEADLINE_SECONDS = 60.0
READING_SECONDS = 10
"""How long a GPU is asked for to read one reply."""
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Status:
    """Whether the model can answer, and what to tell a visitor meanwhile."""

    text: str
    ready: bool = False
    failed: bool = False

    @property
    def settled(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self.ready or self.failed


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request of a page; plain data, so it can travel to another process."""

    prompt: str
    conditions: Sequence[Condition]
    layer: int | None = None
    scale: float | None = None
    seed: int = 42
    temperature: float = DEFAULT_SAMPLING.temperature
    max_new_tokens: int = 48
    histories: Mapping[Condition, Messages] | None = None
    latent: int | None = None
    """Add this latent's direction instead of the persona vector; `scale` is its strength."""
    visitor: str = ""
    """Whose conversation it is, as in `Lab.stream`."""


class Services:
    """The library as the pages see it: the lab opens in the background, so that the page is there at once."""

    def __init__(self, settings: AppSettings) -> None:
        self._settings = settings
        self.run = RunDirectory(Path(settings.run) if settings.run else SHIPPED_RUN)
        self.info = lab_info(self.run)
        self._status = Status("Warming up…")
        self._settled = threading.Event()
        self._begun = False
        self._lab: Any = None
        self._worker_lock = threading.Lock()
        self._zero_gpu = settings.zero_gpu
        self._generate = self._on_gpu(self._answer, gpu_seconds)
        self._measure = self._on_gpu(self._strengths, READING_SECONDS)

    def start(self) -> None:
        """Begin to load, once; on ZeroGPU at once, as weights must be placed before the first call."""
        with self._worker_lock:
            begun, self._begun = self._begun, True
        if begun:
            return
        if self._settings.zero_gpu:
            self._open()
        else:
            threading.Thread(target=self._open, name="open-lab", daemon=True).start()

    @property
    def lab(self) -> Any:
        """The open lab; None until it is ready."""
        return self._lab

    @property
    def worker(self) -> Any:
        """The thread that decodes for all visitors, and for the chat API."""
        with self._worker_lock:  # or two who ask first at once would have one each
            return self._worker

    @cached_property
    def _worker(self) -> Any:
        serving = serving_settings()
        return import_module("phoque.serving.worker").Worker(
            most_rows=serving.most_rows, most_waiting=serving.most_waiting
        )

    def line(self) -> tuple[int, float]:
        """Requests that wait for the model, and in how many seconds one more would begin."""
        # On ZeroGPU every visitor has a process of its own.
        line: tuple[int, float] = (0, 0.0) if self._zero_gpu else self.worker.line()
        return line

    def forget(self, visitor: str) -> None:
        """Drop what is kept of a visitor's conversation."""
        if "_worker" in vars(self):
            self._worker.forget(visitor)
        if self._lab:
            self._lab.forget(visitor)

    def press(self, policies: Sequence[Policy]) -> Watched:
        """Send what the run's model wrote through moderation policies, message by message."""
        # Much to import for a page that nobody asks for it.
        watching = import_module("phoque.stages.pressure.watching")
        watched: Watched = watching.watch(self.run, policies)
        return watched

    def check(
        self, answered: Sequence[tuple[str, str]], *, judged: bool, stopped: Stopped = never
    ) -> list[Found]:
        """What the moderators, and the judge where `judged`, say of messages and their replies."""
        # Loads torch, and so only when there is a reply to read.
        checks = import_module("phoque.judging.checks")
        found: list[Found] = checks.live(answered, judged=judged, stopped=stopped)
        return found

    def status(self) -> Status:
        """Is the model ready?"""
        return self._status

    def wait(self, seconds: float) -> Status:
        """Wait at most so long for the model, which is opened if nobody has; then its status."""
        self.start()
        self._settled.wait(seconds)
        return self._status

    def stream(self, ask: Ask, stopped: Stopped = never) -> Iterator[Delta]:
        """Pieces of text while they are written; ends early once it is closed or `stopped` says so."""
        if self._status.failed:
            raise PhoqueError(self._status.text)
        if self._zero_gpu:
            return _until(stopped, self._generate(ask))
        return self._answer(ask, stopped)

    def _answer(self, ask: Ask, stopped: Stopped = never) -> Iterator[Delta]:
        yield from self._lab.stream(
            ask.prompt,
            vector=None if ask.latent is None else _latent(self.run, ask.latent),
            layer=ask.layer,
            scale=ask.scale,
            seed=ask.seed,
            temperature=ask.temperature,
            max_new_tokens=ask.max_new_tokens,
            conditions=ask.conditions,
            histories=ask.histories,
            deadline_seconds=DEADLINE_SECONDS,
            owner=ask.visitor or None,  # of who has no name nothing is kept
            # On ZeroGPU each visitor's call has a process, and a GPU, of its own.
            **(
                {} if self._zero_gpu else {"decoding": partial(self.worker.decode, stopped=stopped)}
            ),
        )

    def strengths(
        self, prompt: str, reply: str, layer: int, stopped: Stopped = never
    ) -> list[TokenStrength]:
        """How far a reply's tokens lie along the vector, as in `Lab.strengths`; none once stopped."""
        if self._status.failed:
            raise PhoqueError(self._status.text)
        if self._zero_gpu:
            return self._measure(prompt, reply, layer)
        # A reply at a time, in the line of all requests: between two, others go on.
        return self._strengths(
            prompt, reply, layer, running=lambda read: self.worker.run(read, stopped)
        )

    def _strengths(self, prompt: str, reply: str, layer: int, **how: Any) -> list[TokenStrength]:
        [found] = self._lab.strengths(prompt, [reply], layer=layer, **how)
        return found or []

    def _open(self) -> None:
        try:
            self._lab = phoque.open_lab(
                self.run.path, model=self._settings.model, progress=self._say
            )
            self.info = self._lab.info
            if self._settings.zero_gpu:
                # A GPU is lent for one call only: place the base weights now, run nothing.
                _ = self._lab.base
            else:
                self._lab.warm_up()
            self._status = Status(f"Ready: {self.info.model}", ready=True)
        except PhoqueError as error:
            self._status = Status(str(error), failed=True)
        except Exception as error:
            self._status = Status(f"The model could not be opened: {error}", failed=True)
            raise
        finally:
            self._settled.set()

    def _on_gpu(self, call: F, duration: Any) -> F:
        """On ZeroGPU, a call that borrows the GPU for so long; elsewhere, the call."""
        if not self._zero_gpu:
            return call
        import spaces  # noqa: PLC0415  # only on ZeroGPU, where app.py has imported it before torch

        wrapped: F = spaces.GPU(duration=duration)(call)
        return wrapped

    def _say(self, text: str) -> None:
        self._status = Status(text)


def _until(stopped: Stopped, deltas: Iterator[Delta]) -> Iterator[Delta]:
    """Another process writes these: whether it is to end is seen between two pieces."""
    for delta in deltas:
        if stopped():
            return
        yield delta


def _latent(run: RunDirectory, latent: int) -> Any:
    # Loads torch, so only when a visitor asks for one.
    return import_module("phoque.stages.sae.autoencoder").latent_vector(run, latent)


def gpu_seconds(ask: Ask) -> int:
    """How long a GPU is asked for: a visitor's daily quota is minutes."""
    return min(30, 5 + round(0.05 * ask.max_new_tokens * len(ask.conditions)))
