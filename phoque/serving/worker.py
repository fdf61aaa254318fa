"""The thread that decodes: requests wait in a line, join the batch in turn, and leave it."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from phoque.engine import Piece
from phoque.models.load import LanguageModel
from phoque.records import Sampling
from phoque.serving.batch import Batch, Work
from phoque.serving.errors import RequestError, broken, busy
from phoque.serving.stops import StopText
from phoque.steering.hooks import Interventions

LOG = logging.getLogger(__name__)
RETRY_SECONDS = 5.0
"""When to come back to a full line: about as long as a reply takes."""


class Job:
    """One request on its way; made in the event loop that reads its pieces."""

    def __init__(
        self,
        prompt: Sequence[int],
        interventions: Interventions,
        seeds: Sequence[int],
        sampling: Sampling,
        stops: Sequence[str] = (),
    ) -> None:
        self.work = Work(
            prompt=prompt,
            interventions=interventions,
            seeds=seeds,
            sampling=sampling,
            deliver=self._deliver,
        )
        self.gone = False
        """Nobody reads on: whatever the job still does is for nothing."""
        self._stops = [StopText(stops) for _ in seeds]
        self._loop = asyncio.get_running_loop()
        self._pieces: asyncio.Queue[Piece | RequestError] = asyncio.Queue()

    async def pieces(self) -> AsyncIterator[Piece]:
        """Pieces of all rows as they come; `row` is the place of the row's seed.

        Raises:
            RequestError: the server could not go on.
        """
        unfinished = len(self.work.seeds)
        while unfinished:
            piece = await self._pieces.get()
            if isinstance(piece, RequestError):
                raise piece
            unfinished -= piece.finish_reason is not None
            yield piece

    def fail(self, refusal: RequestError) -> None:
        """Tell the reader that no more will come; called by the worker."""
        self._post(refusal)

    def _deliver(self, piece: Piece) -> bool:
        stop = self._stops[piece.row]
        text = stop.push(piece.text, last=piece.finish_reason is not None)
        reason = "stop" if stop.found else piece.finish_reason
        self._post(replace(piece, text=text, finish_reason=reason))
        return not (stop.found or self.gone)

    def _post(self, piece: Piece | RequestError) -> None:
        try:
            self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)
        except RuntimeError:  # the loop was closed: the server is going down
            self.gone = True


class Worker:
    """Decodes jobs on one model, in a thread that it starts."""

    def __init__(self, model: LanguageModel, *, most_rows: int, most_waiting: int) -> None:
        self._batch = Batch(model)
        self._most_rows = most_rows
        self._most_waiting = most_waiting
        self._waiting: deque[Job] = deque()
        self._running: list[Job] = []
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="chat-worker", daemon=True)
        self._thread.start()

    @property
    def num_rows(self) -> int:
        """Rows that are being decoded."""
        return len(self._batch)

    @property
    def num_waiting(self) -> int:
        """Requests in the line."""
        return len(self._waiting)

    def submit(self, job: Job) -> None:
        """Put a job into the line.

        Raises:
            RequestError: the line is full (429).
        """
        with self._changed:
            if len(self._waiting) >= self._most_waiting:
                raise busy(
                    f"{self._most_waiting} requests are waiting already. Come back later.",
                    "queue_full",
                    RETRY_SECONDS,
                )
            self._waiting.append(job)
            self._changed.notify()

    def leave(self, job: Job) -> None:
        """The reader of a job has gone, or has all of it: it waits and runs no longer."""
        job.gone = True
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)

    def close(self) -> None:
        """End the thread after the token that it is computing; open jobs fail."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while not self._closed:
            job = self._next()
            try:
                if job:
                    self._running.append(job)
                    self._batch.join(job.work)
                if len(self._batch):
                    self._batch.step()
            except Exception:
                LOG.exception("A batch of %d requests was lost.", len(self._running))
                self._drop()
            if not len(self._batch):
                self._running.clear()
        self._running += self._waiting
        self._drop()

    def _next(self) -> Job | None:
        """The first job in the line, if there is room for it; waits while nothing is to do."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or len(self._batch) or self._closed)
            return self._waiting.popleft() if self._waiting and self._fits() else None

    def _fits(self) -> bool:
        if not len(self._batch):
            return True  # whatever its size: or it would wait for ever
        rows = len(self._waiting[0].work.seeds)
        return self._batch.joins and len(self._batch) + rows <= self._most_rows

    def _drop(self) -> None:
        self._batch.clear()
        for job in self._running:
            job.fail(broken())
        self._running.clear()
