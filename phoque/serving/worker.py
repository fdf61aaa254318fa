"""The thread that decodes: requests wait in a line, join the batch in turn and leave it."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from phoque.conversation import Sampling
from phoque.models.engine import Piece, Row, check_lengths, without_repeats
from phoque.models.load import LanguageModel
from phoque.models.packed.reading import UnwantedError
from phoque.progress import Stopped, never
from phoque.serving.batch import Batch, StopText, Work
from phoque.serving.errors import RequestError, broken, busy

T = TypeVar("T")
LOG = logging.getLogger(__name__)
MOST_TOKENS = 2048
"""Prompt and reply of a row; a batch holds so many for each of its most rows, padding included."""
RETRY_SECONDS = 5.0
"""When to retry after a full line: about the length of a reply."""
REMEMBERED, RECENT_SECONDS = 16, 60.0
"""Requests whose ends tell how fast the line moves: so many, and none that ended long ago."""
NOTICE_SECONDS = 0.05
"""How often who waits for a piece looks whether it is still wanted."""

Post = Callable[[Piece | RequestError], None]


class Job:
    """A request in progress; `post` takes its pieces, or the reason for its end."""

    def __init__(self, work: Work, post: Post, stops: Sequence[str] = ()) -> None:
        self.work = replace(work, deliver=self._deliver, unwanted=lambda: self.gone)
        self.post = post
        self.gone = False
        """The reader has left, so the job can end."""
        self._stops = [StopText(stops) for _ in work.rows]

    def _deliver(self, piece: Piece) -> bool:
        stop = self._stops[piece.row]
        text = stop.push(piece.text, last=piece.finish_reason is not None)
        reason = "stop" if stop.found else piece.finish_reason
        self.post(replace(piece, text=text, finish_reason=reason))
        return not (stop.found or self.gone)


class AwaitedJob(Job):
    """A job whose pieces are awaited in the event loop that made it."""

    def __init__(self, work: Work, stops: Sequence[str] = ()) -> None:
        super().__init__(work, self._to_loop, stops)
        self._loop = asyncio.get_running_loop()
        self._pieces: asyncio.Queue[Piece | RequestError] = asyncio.Queue()

    async def pieces(self) -> AsyncIterator[Piece]:
        """Pieces of all rows as they come; raises `RequestError` if the server could not finish."""
        unfinished = len(self.work.rows)
        while unfinished:
            piece = await self._pieces.get()
            if isinstance(piece, RequestError):
                raise piece
            unfinished -= piece.finish_reason is not None
            yield piece

    def _to_loop(self, piece: Piece | RequestError) -> None:
        try:
            self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)
        except RuntimeError:  # the loop was closed: the server is going down
            self.gone = True


class Errand(Generic[T]):
    """Other work of the models, which is done between two tokens; its turn comes as a job's does."""

    def __init__(self, call: Callable[[], T]) -> None:
        self.done: Future[T] = Future()
        self.gone = False
        self._call = call

    def __call__(self) -> None:
        try:
            self.done.set_result(self._call())
        except Exception as error:  # raised where the result is taken
            self.done.set_exception(error)

    def post(self, error: RequestError) -> None:
        """It could not be done."""
        self.done.set_exception(error)


class Worker:
    """Decodes jobs in a thread of its own, one batch per model."""

    def __init__(self, *, most_rows: int, most_waiting: int) -> None:
        self._batches: dict[int, Batch] = {}
        self._most_rows = most_rows
        self._most_waiting = most_waiting
        self._waiting: deque[Job | Errand[Any]] = deque()
        self._running: list[Job] = []
        self._ended: deque[float] = deque(maxlen=REMEMBERED)
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="chat-worker", daemon=True)
        self._thread.start()

    @property
    def num_rows(self) -> int:
        """How many rows are being decoded."""
        return sum(map(len, list(self._batches.values())))

    @property
    def num_waiting(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    def line(self) -> tuple[int, float]:
        """How many requests wait, and in how many seconds one more would begin, as far as is known."""
        now = time.monotonic()
        ended = [one for one in [*self._ended] if now - one < RECENT_SECONDS]
        each = (ended[-1] - ended[0]) / (len(ended) - 1) if len(ended) > 1 else RETRY_SECONDS
        return self.num_waiting, self.num_waiting * each

    def submit(self, job: Job | Errand[Any]) -> None:
        """Put a job into the line; RequestError where it is full (429), or the worker was closed."""
        if isinstance(job, Job):
            _ = job.work.prompts  # read here: an error is the asker's own, and nobody waits for it
        with self._changed:
            if self._closed:
                raise broken()
            if len(self._waiting) >= self._most_waiting:
                raise busy(
                    f"{self._most_waiting} requests are waiting already. Come back later.",
                    "queue_full",
                    RETRY_SECONDS,
                )
            self._waiting.append(job)
            self._changed.notify()

    def leave(self, job: Job | Errand[Any]) -> None:
        """End a job, because its reader has left or has everything."""
        job.gone = True
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)

    def decode(
        self,
        model: LanguageModel,
        rows: Sequence[Row],
        sampling: Sampling,
        *,
        owner: str | None = None,
        stopped: Stopped = never,
    ) -> Iterator[list[Piece]]:
        """Like `phoque.models.engine.decode`, in the same batch as other requests.

        Once `stopped` says so it ends, also while it waits in the line or for a piece. PhoqueError as there,
        or where the line is full.
        """
        distinct, places = without_repeats(rows)
        pieces: SimpleQueue[Piece | RequestError] = SimpleQueue()
        job = Job(Work(model=model, rows=distinct, sampling=sampling, owner=owner), pieces.put)
        check_lengths(job.work.prompts, sampling, model.context_length)
        self.submit(job)
        unfinished = len(distinct)
        try:
            while unfinished and (piece := _taken(pieces, stopped)):
                if isinstance(piece, RequestError):
                    raise piece
                unfinished -= piece.finish_reason is not None
                yield [replace(piece, row=place) for place in places[piece.row]]
        finally:
            self.leave(job)

    def run(self, call: Callable[[], T], stopped: Stopped = never) -> T | None:
        """What `call` returns, called in its turn; None if it is no longer wanted.

        PhoqueError where the line is full, or as `call`.
        """
        errand = Errand(call)
        self.submit(errand)
        try:
            while not stopped():
                if wait([errand.done], NOTICE_SECONDS).done:
                    return errand.done.result()
            return None
        finally:
            self.leave(errand)

    def forget(self, owner: str) -> None:
        """Refuse what an owner who has left still waits for."""
        with self._changed:
            jobs = [job for job in self._waiting if isinstance(job, Job)]
            left = [job for job in jobs if job.work.owner == owner]
        for job in left:
            self.leave(job)
        _fail(left)

    def close(self) -> None:
        """End the thread after the token that it is computing; open jobs fail."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while not self._closed:
            if job := self._next():
                self._join(job)
            for batch in self._batches.values():
                if len(batch):
                    self._step(batch)
            self._part()
        with self._changed:
            _fail([*self._running, *self._waiting])

    def _part(self) -> None:
        """Let go of what is finished, and note when it was."""
        left = [job for job in self._running if self._batch_for(job).has(job.work)]
        self._ended.extend([time.monotonic()] * (len(self._running) - len(left)))
        self._running = left

    def _join(self, job: Job | Errand[Any]) -> None:
        if isinstance(job, Errand):
            job()
            return
        try:
            self._batch_for(job).join(job.work)
            self._running.append(job)
        except UnwantedError:
            LOG.debug("A reader left while the prompt was read.")
        except Exception:
            LOG.exception("A request could not be read.")
            _fail([job])

    def _step(self, batch: Batch) -> None:
        try:
            batch.step()
        except Exception:
            lost = [job for job in self._running if self._batch_for(job) is batch]
            LOG.exception("A batch of %d requests was lost.", len(lost))
            batch.clear()
            _fail(lost)

    def _next(self) -> Job | Errand[Any] | None:
        """The first job in the line if there is room; waits while there is nothing to do."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self.num_rows or self._closed)
            return self._waiting.popleft() if self._waiting and self._fits() else None

    def _fits(self) -> bool:
        first = self._waiting[0]
        if not self.num_rows or isinstance(first, Errand):
            return True  # whatever its size: or it would wait for ever
        rows = self.num_rows + len(first.work.rows)
        # Every row takes the memory of the longest.
        longest = max(job.work.longest for job in (first, *self._running))
        fits = rows <= self._most_rows and rows * longest <= self._most_rows * MOST_TOKENS
        return fits and self._batch_for(first).joins

    def _batch_for(self, job: Job) -> Batch:
        return self._batches.setdefault(id(job.work.model), Batch(job.work.model))


def _taken(
    pieces: "SimpleQueue[Piece | RequestError]", stopped: Stopped
) -> Piece | RequestError | None:
    """The next piece, once it comes; None if it is no longer wanted."""
    while not stopped():
        with suppress(Empty):
            return pieces.get(timeout=NOTICE_SECONDS)
    return None


def _fail(jobs: Sequence[Job | Errand[Any]]) -> None:
    for job in jobs:
        job.post(broken())
