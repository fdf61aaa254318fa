"""A described service as a moderator: several requests at a time, every answer kept as it comes.

Answers are kept on disk under hashes of what they depend on, so a run that was interrupted asks only for
what is missing. What got no answer is an error of its text, is not kept, and is asked for again next time.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from typing import Any

from phoque.errors import InterruptedWorkError
from phoque.moderators.classifier import Item, Score, UnavailableError
from phoque.moderators.disk import DiskCache
from phoque.moderators.endpoint.answers import LABEL, UnreadableError, scores_in
from phoque.moderators.endpoint.asking import Asking, LongWaitError, NoAnswerError, RejectedError
from phoque.moderators.endpoint.description import Description, is_local
from phoque.moderators.endpoint.request import Ready, ready
from phoque.moderators.scoring import key_of
from phoque.run.datasheets import ClassifierInfo

AT_ONCE = 512
"""Texts that are handed over at once; how many a request holds is up to the description."""
TRIED = 3
"""First requests without a readable answer after which a service is given up."""
REJECTED = 5
"""First requests that all get the same refusal after which a service is given up."""
OUTAGE = 30
"""Requests in a row without an answer after which a run stops, to be gone on with later."""


class OutageError(UnavailableError, InterruptedWorkError):
    """A service does not answer for some time; what it said is kept."""


class Service:
    """A moderator over HTTP."""

    def __init__(
        self, found: Ready, cache: DiskCache | None = None, *, ask_again: bool = False
    ) -> None:
        self.ready, self.description = found, found.description
        self.info, self.digest = _info(found), _digest(found)
        self._asking, self._cache, self._ask_again = Asking(found), cache, ask_again
        self.counts = self._asking.counts
        self.pacer = self._asking.pacer
        self.proven = False
        """Whether an answer was ever readable."""
        self._failed = 0
        """Requests without an answer since the last one with one."""
        self._rejected: list[str] = []
        """How the service refused the first requests."""

    @property
    def cost_per_text(self) -> float:
        """What it costs to ask about one text, in full batches."""
        return self.description.cost_per_call / self.description.batch

    def score_batch(self, items: Sequence[Item]) -> list[Score]:
        """One label, from 0 to 1, or an error for every item.

        Raises:
            UnavailableError: the service refuses this client, or its first answers cannot be read.
            OutageError: it answers no more, or asks for too long a wait.
        """
        found = self.kept(items)
        for own, scores in self._fresh([one for one in dict.fromkeys(items) if one not in found]):
            found |= zip(own, scores, strict=True)
        return [found[one] for one in items]

    def kept(self, items: Sequence[Item]) -> dict[Item, Score]:
        """What is known from before; nothing where everything is to be asked again."""
        if self._cache is None or self._ask_again:
            return {}
        keys = [key_of(one, self) for one in items]
        known = self._cache.known(keys)
        self.proven = self.proven or bool(known)
        if known:
            self.counts.add_kept(sum(key in known for key in keys), self._cache.times([*known]))
        return {one: known[key] for key, one in zip(keys, items, strict=True) if key in known}

    def ask(self, items: Sequence[Item], slot: float | None = None) -> list[Score]:
        """Ask about some items in one request, at a slot of the pacer; what it says is kept at once.

        Raises as `score_batch`. Threads may call it, once the service is `proven`.
        """
        found = self._scores(items, slot)
        if self._cache:
            keys = [key_of(one, self) for one in items]
            self._cache.remember(dict(zip(keys, found, strict=True)))
        return found

    def _fresh(self, missing: list[Item]) -> Iterator[tuple[list[Item], list[Score]]]:
        """Items and scores, request by request, as they come."""
        size = self.description.batch
        batches = [missing[start : start + size] for start in range(0, len(missing), size)]
        while batches and not self.proven:
            own = batches.pop(0)
            yield own, self.ask(own)
        pool = ThreadPoolExecutor(self.description.at_once)
        try:
            asked = {pool.submit(self.ask, own): own for own in batches}
            for done in as_completed(asked):
                yield asked[done], done.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _scores(self, items: Sequence[Item], slot: float | None = None) -> list[Score]:
        try:
            found = self._asking.answer(items, partial(self._read, len(items)), slot=slot)
        except UnreadableError:
            return [one for item in items for one in self._scores([item])]
        except RejectedError as error:
            if len(items) > 1:
                return [one for item in items for one in self._scores([item])]
            self._note_rejection(error)
            return [Score(labels={}, error=str(error))]
        except LongWaitError as error:
            raise self._outage(str(error)) from error
        except NoAnswerError as error:
            self._note_failure(error)
            return [Score(labels={}, error=str(error)) for _ in items]
        self.proven, self._failed = True, 0
        return [Score(labels=labels) for labels in found]

    def _read(self, count: int, said: Any) -> list[dict[str, float]]:
        """The labels in an answer; UnreadableError where asking again may help."""
        try:
            return scores_in(self.description.answer, said, count)
        except UnreadableError as error:
            self.proven = self.proven or error.partly
            if self.proven:
                raise
            self.counts.add("malformed")
            raise UnavailableError(
                f"The first answer of {self.description.name} cannot be read: {error}. "
                "Check the paths under answer."
            ) from error

    def _note_rejection(self, error: RejectedError) -> None:
        if self.proven:
            return
        self._rejected.append(str(error))
        if self._rejected[-REJECTED:] == [str(error)] * REJECTED:
            raise UnavailableError(
                f"{self.description.name} refused each of the first {REJECTED} texts: "
                f"{self.counts.reason}. Check body and headers of its description (phoque pressure "
                "--dry-run shows the request)."
            ) from error

    def _note_failure(self, error: NoAnswerError) -> None:
        self._failed += 1
        name = self.description.name
        if not self.proven and self._failed >= TRIED:
            raise UnavailableError(
                f"{name} gave no answer to the first {TRIED} requests ({self.counts.reason}). "
                f"Check {self.ready.place}."
            ) from error
        if self._failed >= OUTAGE:
            told = f"gave no answer to {OUTAGE} requests in a row ({self.counts.reason})"
            raise self._outage(told) from error

    def _outage(self, why: str) -> OutageError:
        later = (
            "What it said before is kept: run the same command later to go on."
            if self._cache and not self._ask_again
            else "Run the same command later; it asks about everything again."
        )
        return OutageError(f"{self.description.name} {why}. {later}")


def load(
    description: Description, cache: DiskCache | None = None, *, ask_again: bool = False
) -> Service:
    """The service with the variables of the environment; raises as `ready`, asks nothing yet.

    Without a cache nothing is kept; to `ask_again` only writes to it.
    """
    return Service(ready(description), cache, ask_again=ask_again)


def _info(found: Ready) -> ClassifierInfo:
    said = found.description
    return ClassifierInfo(
        id=said.name,
        version=_digest(found)[:16],
        source="api",
        construct=said.construct_,
        labels=(LABEL,),
        harm_labels=(LABEL,),
        languages=("see its description",),
        licence=said.licence,
        training_data="see its description",
        blind_spots="Nobody outside can say whether it changed since.",
        takes_context=said.takes_context,
        batch_size=AT_ONCE,
        sends_text_out=not is_local(found.url),
    )


def _digest(found: Ready) -> str:
    """Of all that an answer depends on; limits, keys and costs are not of it."""
    told = {"method", "body", "answer", *(["version"] if found.description.version else [])}
    said = found.description.model_dump(mode="json", include=told)
    if fixed := found.description.fixed_headers:
        said["headers"] = fixed
    return hashlib.sha256(json.dumps([found.url, said], sort_keys=True).encode()).hexdigest()
